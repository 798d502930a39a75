#include "model/excitation.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "model/excitation_kernels.h"
#include "model/kernel_images.h"

namespace cocola {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// Images are cut into slices whose number depends on their size alone; run(image, slice, lines).
template <typename Run>
void in_slices(const at::Tensor& x, int64_t slices, const Run& run) {
  const int64_t pixels = x.size(2) * x.size(3);
  at::parallel_for(0, x.size(0) * slices, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t image = task / slices, slice = task % slices;
      run(image, slice,
          ImageLines{x.scalar_type(), x.size(1), image * pixels + slice * pixels / slices,
                     image * pixels + (slice + 1) * pixels / slices});
    }
  });
}

int64_t num_slices(const at::Tensor& x) {
  constexpr int64_t kPixelsPerSlice = 256, kMostSlices = 16;
  return std::clamp<int64_t>(x.size(2) * x.size(3) / kPixelsPerSlice, 1, kMostSlices);
}

// Sums over the pixels of each image of x, or of x * factor if that is defined: [R, C] of `type`.
at::Tensor sum_pixels(const at::Tensor& x, const at::Tensor& factor, at::ScalarType type) {
  const int64_t slices = num_slices(x), channels = x.size(1);
  const at::Tensor parts = at::zeros({x.size(0), slices, channels}, at::kDouble);
  const void* const from = x.const_data_ptr();
  const void* const times = factor.defined() ? factor.const_data_ptr() : nullptr;
  double* const to = parts.mutable_data_ptr<double>();
  in_slices(x, slices, [&](int64_t image, int64_t slice, const ImageLines& lines) {
    sum_lines(lines, from, times, to + (image * slices + slice) * channels);
  });
  return parts.sum(at::IntArrayRef{1}).to(type);
}

// x * scale + shift, both [R, C].
at::Tensor scaled(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift) {
  const at::Tensor y = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
  const at::Tensor table = at::stack({scale, shift}, 1);
  const auto* const factors = static_cast<const char*>(table.const_data_ptr());
  const int64_t image_bytes = 2 * x.size(1) * table.element_size();
  const void* const from = x.const_data_ptr();
  void* const to = y.mutable_data_ptr();
  in_slices(x, num_slices(x), [&](int64_t image, int64_t, const ImageLines& lines) {
    scale_lines(lines, from, factors + image * image_bytes, to);
  });
  return y;
}

at::Tensor matrix(const at::Tensor& weight) {
  return weight.reshape({weight.size(0), weight.size(1)});
}

class ExcitationFunction : public torch::autograd::Function<ExcitationFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& x, const Variable& reduce,
                          const Variable& reduce_bias, const Variable& restore,
                          const Variable& restore_bias) {
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    const double pixels = static_cast<double>(x.size(2) * x.size(3));
    const at::Tensor mean = sum_pixels(x, {}, reduce.scalar_type()) / pixels;
    const at::Tensor squeezed = at::addmm(reduce_bias, mean, matrix(reduce).t());
    const at::Tensor gate =
        at::sigmoid(at::addmm(restore_bias, at::silu(squeezed), matrix(restore).t()));
    context->save_for_backward({x, reduce, restore, mean, squeezed, gate});
    return scaled(x, gate, at::zeros_like(gate));
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    const variable_list saved = context->get_saved_variables();
    const Variable &x = saved[0], &reduce = saved[1], &restore = saved[2];
    const at::Tensor &mean = saved[3], &squeezed = saved[4], &gate = saved[5];
    const at::Tensor grad = grads[0].contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor grad_restored = sum_pixels(grad, x, gate.scalar_type()) * gate * (1.0 - gate);
    const at::Tensor grad_squeezed =
        at::silu_backward(at::mm(grad_restored, matrix(restore)), squeezed);
    at::Tensor grad_x;
    if (context->needs_input_grad(0)) {
      const double pixels = static_cast<double>(x.size(2) * x.size(3));
      grad_x = scaled(grad, gate, at::mm(grad_squeezed, matrix(reduce)) / pixels);
    }
    return {grad_x, at::mm(grad_squeezed.t(), mean).view_as(reduce), grad_squeezed.sum(0),
            at::mm(grad_restored.t(), at::silu(squeezed)).view_as(restore), grad_restored.sum(0)};
  }
};

}  // namespace

bool excitation_applies(const at::Tensor& x, const ExcitationParameters& parameters) {
  return kernels_take(x, parameters.reduce) && x.size(1) % kLanes == 0;
}

at::Tensor excitation(const at::Tensor& x, const ExcitationParameters& parameters) {
  return ExcitationFunction::apply(x, parameters.reduce, parameters.reduce_bias, parameters.restore,
                                   parameters.restore_bias);
}

}  // namespace cocola
