#include "model/batch_norm.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/batch_norm_stats.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "model/batch_norm_kernels.h"
#include "model/kernel_images.h"
#include "model/norm_silu.h"

namespace cocola {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// Lines of as many pixels as make their width a multiple of kLanes.
struct Layout {
  c10::ScalarType type;
  int64_t channels, pixels_per_line, lines;

  int64_t width() const { return channels * pixels_per_line; }
  int64_t pixels() const { return lines * pixels_per_line; }
  ImageLines part(int64_t first, int64_t last) const { return {type, width(), first, last}; }
};

int64_t pixels_per_line(int64_t channels) { return kLanes / std::gcd(channels, kLanes); }

Layout layout_of(const at::Tensor& x) {
  const int64_t channels = x.size(1), pixels = pixels_per_line(channels);
  return {x.scalar_type(), channels, pixels, x.numel() / (channels * pixels)};
}

// [n, C] -> [n, width] of the type of sums.
at::Tensor table_of(const Layout& layout, const std::vector<at::Tensor>& rows) {
  const at::ScalarType type = layout.type == at::kDouble ? at::kDouble : at::kFloat;
  return at::stack(rows).to(type).repeat({1, layout.pixels_per_line});
}

// Lines are cut into slices whose number depends on the image alone: what is merged from them in
// order does not depend on the number of threads.
int64_t num_slices(const Layout& layout) {
  constexpr int64_t kLinesPerSlice = 256, kMostSlices = 64;
  return std::clamp<int64_t>(layout.lines / kLinesPerSlice, 1, kMostSlices);
}

ImageLines slice_of(const Layout& layout, int64_t slice) {
  const int64_t slices = num_slices(layout);
  return layout.part(slice * layout.lines / slices, (slice + 1) * layout.lines / slices);
}

// run(lines of a slice, its [2, width] of the result): [slices, 2, width] float64.
template <typename Run>
at::Tensor in_slices(const Layout& layout, const Run& run) {
  const int64_t slices = num_slices(layout);
  const at::Tensor parts = at::zeros({slices, 2, layout.width()}, at::kDouble);
  double* const to = parts.mutable_data_ptr<double>();
  at::parallel_for(0, slices, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      run(slice_of(layout, i), to + i * 2 * layout.width());
    }
  });
  return parts;
}

// run(lines) for all lines, each by itself.
template <typename Run>
void in_parallel(const Layout& layout, const Run& run) {
  constexpr int64_t kValuesPerTask = 65536;
  at::parallel_for(0, layout.lines, std::max<int64_t>(kValuesPerTask / layout.width(), 1),
                   [&](int64_t first, int64_t last) { run(layout.part(first, last)); });
}

// Mean and sum of squared distances of each channel, float64 [C].
struct Moments {
  at::Tensor mean, spread;
};

// Chan's rule for two sets; `count` is that of one channel's values in a part.
void merge(double before, double count, int64_t channels, const double* mean, const double* spread,
           double* merged_mean, double* merged_spread) {
  const double share = count / (before + count);
  for (int64_t c = 0; c < channels; ++c) {
    const double distance = mean[c] - merged_mean[c];
    merged_mean[c] += distance * share;
    merged_spread[c] += spread[c] + distance * distance * (before * share);
  }
}

Moments measure(const Layout& layout, const at::Tensor& x) {
  const void* const from = x.const_data_ptr();
  const at::Tensor parts = in_slices(layout, [&](const ImageLines& lines, double* moments) {
    norm_moments(lines, from, moments);
  });
  const Moments merged{at::zeros({layout.channels}, at::kDouble),
                       at::zeros({layout.channels}, at::kDouble)};
  const double* part = parts.const_data_ptr<double>();
  double before = 0.0;
  for (int64_t slice = 0; slice < parts.size(0); ++slice, part += 2 * layout.width()) {
    const ImageLines lines = slice_of(layout, slice);
    const double count = static_cast<double>(lines.last - lines.first);
    for (int64_t c = 0; c < layout.width(); c += layout.channels, before += count) {
      merge(before, count, layout.channels, part + c, part + layout.width() + c,
            merged.mean.mutable_data_ptr<double>(), merged.spread.mutable_data_ptr<double>());
    }
  }
  return merged;
}

at::Tensor normalised(const Layout& layout, bool silu, const at::Tensor& x,
                      const at::Tensor& table) {
  const at::Tensor y = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
  const void *const from = x.const_data_ptr(), *const factors = table.const_data_ptr();
  void* const to = y.mutable_data_ptr();
  in_parallel(layout, [&](const ImageLines& lines) { norm_apply(lines, silu, from, factors, to); });
  return y;
}

// [2, C] float64: of each channel the sums of dy and of dy * (x - mean).
at::Tensor gradient_sums(const Layout& layout, bool silu, const at::Tensor& x,
                         const at::Tensor& grad, const at::Tensor& table) {
  const void *const from = x.const_data_ptr(), *const slopes = grad.const_data_ptr();
  const void* const factors = table.const_data_ptr();
  const at::Tensor parts = in_slices(layout, [&](const ImageLines& lines, double* sums) {
    norm_gradient_sums(lines, silu, from, slopes, factors, sums);
  });
  return parts.view({parts.size(0), 2, layout.pixels_per_line, layout.channels})
      .sum(at::IntArrayRef{0, 2});
}

at::Tensor input_gradient(const Layout& layout, bool silu, const at::Tensor& x,
                          const at::Tensor& grad, const at::Tensor& table) {
  const at::Tensor grad_x = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
  const void *const from = x.const_data_ptr(), *const slopes = grad.const_data_ptr();
  const void* const factors = table.const_data_ptr();
  void* const to = grad_x.mutable_data_ptr();
  in_parallel(layout, [&](const ImageLines& lines) {
    norm_backward(lines, silu, from, slopes, factors, to);
  });
  return grad_x;
}

struct Normalised {
  at::Tensor y;
  NormMoments moments;  // of x; float64 on the CPU
};

Normalised forward_on_cpu(const at::Tensor& x, const NormParameters& parameters,
                          const at::Tensor& measured) {
  const Layout layout = layout_of(x);
  const Moments moments = measure(layout, x);
  const double pixels = static_cast<double>(layout.pixels());
  measured.narrow(0, 0, layout.channels).copy_(moments.mean);
  measured.narrow(0, layout.channels, layout.channels).copy_(moments.spread / (pixels - 1.0));
  const at::Tensor inverse = (moments.spread / pixels + parameters.epsilon).rsqrt();
  const at::Tensor table =
      table_of(layout, {moments.mean, parameters.weight * inverse, parameters.bias});
  return {normalised(layout, parameters.silu, x, table), {moments.mean, inverse}};
}

NormGradients backward_on_cpu(const at::Tensor& x, const at::Tensor& output_grad,
                              const NormParameters& parameters, const NormMoments& moments) {
  const Layout layout = layout_of(x);
  const bool silu = parameters.silu;
  const at::Tensor &mean = moments.mean, &inverse = moments.inverse, &bias = parameters.bias;
  const at::Tensor grad = output_grad.contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor scale = parameters.weight * inverse;
  const at::Tensor sums =
      gradient_sums(layout, silu, x, grad, table_of(layout, {mean, scale, bias}));
  const at::Tensor grad_bias = sums[0], grad_weight = sums[1] * inverse;
  const at::Tensor share = scale / static_cast<double>(layout.pixels());
  const at::Tensor grad_x = input_gradient(
      layout, silu, x, grad,
      table_of(layout, {mean, scale, bias, share * grad_bias, share * inverse * grad_weight}));
  return {grad_x, grad_weight.to(parameters.weight.scalar_type()),
          grad_bias.to(bias.scalar_type())};
}

Normalised forward_on_gpu(const at::Tensor& x, const NormParameters& parameters,
                          const at::Tensor& measured) {
  const auto [mean, inverse] = at::batch_norm_stats(x, parameters.epsilon);
  const NormMoments moments{mean, inverse};
  return {norm_silu_forward(cuda_norm_kernels(), x, parameters, moments, measured), moments};
}

class BatchNormFunction : public torch::autograd::Function<BatchNormFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& x, const Variable& weight,
                          const Variable& bias, const at::Tensor& measured, double epsilon,
                          bool silu) {
    const NormParameters parameters{weight, bias, epsilon, silu};
    const Normalised done = x.is_cuda() ? forward_on_gpu(x, parameters, measured)
                                        : forward_on_cpu(x, parameters, measured);
    context->save_for_backward({x, weight, bias, done.moments.mean, done.moments.inverse});
    context->saved_data["silu"] = silu;
    return done.y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const Variable& x = saved[0];
    // What epsilon did lies in the moments.
    const NormParameters parameters{saved[1], saved[2], 0.0, context->saved_data["silu"].toBool()};
    const NormMoments moments{saved[3], saved[4]};
    const NormGradients gradients =
        x.is_cuda() ? norm_silu_backward(cuda_norm_kernels(), x, grads[0], parameters, moments)
                    : backward_on_cpu(x, grads[0], parameters, moments);
    return {gradients.x, gradients.weight, gradients.bias, {}, {}, {}};
  }
};

}  // namespace

bool batch_norm_applies(const at::Tensor& x, const NormParameters& parameters) {
  if (x.is_cuda()) return norm_silu_applies(x, parameters);
  return kernels_take(x, parameters.weight) &&
         x.numel() % (x.size(1) * pixels_per_line(x.size(1))) == 0;
}

at::Tensor batch_norm_of_batch(const at::Tensor& x, const NormParameters& parameters,
                               const at::Tensor& measured) {
  return BatchNormFunction::apply(x, parameters.weight, parameters.bias, measured,
                                  parameters.epsilon, parameters.silu);
}

at::Tensor batch_norm_of_running(const at::Tensor& x, const NormParameters& parameters,
                                 const at::Tensor& mean, const at::Tensor& variance) {
  if (x.is_cuda()) {
    const at::Tensor inverse = (variance + parameters.epsilon).rsqrt();
    return norm_silu_forward(cuda_norm_kernels(), x, parameters, {mean, inverse}, {});
  }
  const Layout layout = layout_of(x);
  const at::Tensor scale =
      parameters.weight * (variance.to(at::kDouble) + parameters.epsilon).rsqrt();
  return normalised(layout, parameters.silu, x, table_of(layout, {mean, scale, parameters.bias}));
}

}  // namespace cocola
