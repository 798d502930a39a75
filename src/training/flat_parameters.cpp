#include "training/flat_parameters.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"

namespace cocola {
namespace {

bool is_statistic(const StateEntry& entry) {
  return entry.role == StateRole::running_mean || entry.role == StateRole::running_var;
}

// Convolution weights keep channels_last strides inside the flat buffer; with other strides
// autograd would make private gradient tensors and the flat gradient would stay zero.
at::Tensor arranged(const at::Tensor& tensor) {
  return tensor.detach().contiguous(tensor.dim() == 4 ? at::MemoryFormat::ChannelsLast
                                                      : at::MemoryFormat::Contiguous);
}

at::Tensor view_of(const at::Tensor& flat, int64_t offset, const at::Tensor& like) {
  return flat.as_strided(like.sizes(), like.strides(), offset);
}

}  // namespace

FlatParameters::FlatParameters(ModelState& state)
    : num_parameters_(state.num_parameters()), num_statistics_(state.num_statistics()) {
  const at::NoGradGuard no_grad;
  if (state.entries().empty()) fail("flat_parameters", "the model has no tensors");
  const auto options = state.entries().front().tensor.options().requires_grad(false);
  values_ = at::zeros({num_parameters_}, options);
  reduced_ = at::zeros({num_parameters_ + num_statistics_ + kExtra}, options);
  running_ = at::zeros({num_statistics_}, options);
  int64_t parameter_offset = 0, statistic_offset = 0;
  for (StateEntry& entry : state.entries()) {
    if (entry.role == StateRole::parameter) {
      const at::Tensor original = arranged(entry.tensor);
      const at::Tensor view = view_of(values_, parameter_offset, original);
      view.copy_(original);
      entry.tensor.set_data(view);
      entry.tensor.mutable_grad() = view_of(reduced_, parameter_offset, original);
      parameter_offset += original.numel();
    } else if (is_statistic(entry)) {
      const at::Tensor original = arranged(entry.tensor);
      const at::Tensor view = view_of(running_, statistic_offset, original);
      view.copy_(original);
      entry.tensor.set_data(view);
      statistic_offset += original.numel();
    }
  }
}

at::Tensor FlatParameters::gradients() const { return reduced_.narrow(0, 0, num_parameters_); }

at::Tensor FlatParameters::statistics() const {
  return reduced_.narrow(0, num_parameters_, num_statistics_);
}

at::Tensor FlatParameters::extra() const {
  return reduced_.narrow(0, num_parameters_ + num_statistics_, kExtra);
}

}  // namespace cocola
