#include "model/layers.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>

#include "model/batch_norm.h"
#include "model/depthwise.h"

namespace cocola {

Convolution::Convolution(const ConvolutionShape& shape, const std::string& name, ModelState& state)
    : stride_(shape.stride), groups_(shape.groups) {
  weight_ = state.add(name + ".weight",
                      at::zeros({shape.out, shape.in / shape.groups, shape.kernel, shape.kernel}),
                      StateRole::parameter);
  if (shape.bias) {
    bias_ = state.add(name + ".bias", at::zeros({shape.out}), StateRole::parameter);
  }
  const int64_t outputs = (shape.nominal_size + shape.stride - 1) / shape.stride;
  const int64_t padding =
      std::max<int64_t>((outputs - 1) * shape.stride + shape.kernel - shape.nominal_size, 0);
  pad_before_ = padding / 2;
  pad_after_ = padding - pad_before_;
}

at::Tensor Convolution::operator()(const at::Tensor& x) const {
  const bool depthwise = groups_ > 1 && groups_ == weight_.size(0);
  if (depthwise && depthwise_applies(x, weight_)) {
    return depthwise_convolution(x, weight_, stride_, pad_before_, pad_after_);
  }
  if (pad_before_ == pad_after_) {
    return at::conv2d(x, weight_, bias_, stride_, pad_before_, 1, groups_);
  }
  constexpr int64_t kNoPadding = 0;
  const at::Tensor padded =
      at::constant_pad_nd(x, {pad_before_, pad_after_, pad_before_, pad_after_}, 0);
  return at::conv2d(padded, weight_, bias_, stride_, kNoPadding, 1, groups_);
}

BatchNorm::BatchNorm(int64_t channels, const std::string& name, ModelState& state)
    : statistics_offset_(state.num_statistics()) {
  weight_ = state.add(name + ".weight", at::ones({channels}), StateRole::parameter);
  bias_ = state.add(name + ".bias", at::zeros({channels}), StateRole::parameter);
  running_mean_ = state.add(name + ".running_mean", at::zeros({channels}), StateRole::running_mean);
  running_var_ = state.add(name + ".running_var", at::ones({channels}), StateRole::running_var);
  state.add(name + ".num_batches_tracked", at::zeros({}, at::kLong), StateRole::counter);
}

at::Tensor BatchNorm::operator()(const at::Tensor& x, const EncoderCall& call) const {
  return normalise(x, call, false);
}

at::Tensor BatchNorm::with_silu(const at::Tensor& x, const EncoderCall& call) const {
  return normalise(x, call, true);
}

at::Tensor BatchNorm::normalise(const at::Tensor& x, const EncoderCall& call, bool silu) const {
  constexpr double kEpsilon = 1e-3;
  const NormParameters parameters{weight_, bias_, kEpsilon, silu};
  const bool fused = batch_norm_applies(x, parameters);
  const auto activate = [silu](const at::Tensor& y) { return silu ? at::silu(y) : y; };
  if (!call.training) {
    if (fused && !at::GradMode::is_enabled()) {
      return batch_norm_of_running(x, parameters, running_mean_, running_var_);
    }
    return activate(
        at::batch_norm(x, weight_, bias_, running_mean_, running_var_, false, 0.0, kEpsilon, true));
  }
  const int64_t channels = weight_.size(0);
  const at::Tensor measured = at::zeros({2 * channels}, running_mean_.options());
  // With a momentum of one, the buffers receive exactly the mean and unbiased variance of the rows.
  const at::Tensor y =
      fused ? batch_norm_of_batch(x, parameters, measured)
            : activate(at::batch_norm(x, weight_, bias_, measured.narrow(0, 0, channels),
                                      measured.narrow(0, channels, channels), true, 1.0, kEpsilon,
                                      true));
  if (call.statistics.defined()) {
    const at::NoGradGuard no_grad;
    call.statistics.narrow(0, statistics_offset_, 2 * channels)
        .add_(measured, call.statistics_weight);
  }
  return y;
}

}  // namespace cocola
