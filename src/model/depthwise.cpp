#include "model/depthwise.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstddef>

#include "base/error.h"
#include "model/depthwise_kernels.h"
#include "model/kernel_images.h"

namespace cocola {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int64_t kLinesPerTask = 8;

at::Tensor channels_last_like(const at::Tensor& x, int64_t height, int64_t width) {
  return at::empty({x.size(0), x.size(1), height, width}, x.options(),
                   at::MemoryFormat::ChannelsLast);
}

// [C, 1, k, k] -> [k * k, C]
at::Tensor taps_first(const at::Tensor& weight) {
  return weight.reshape({weight.size(0), -1}).t().contiguous();
}

at::Tensor forward_pass(const DepthwiseGeometry& g, const at::Tensor& x, const at::Tensor& weight) {
  const at::Tensor y = channels_last_like(x, g.out_height, g.out_width);
  const at::Tensor taps = taps_first(weight);
  const void *const from = x.const_data_ptr(), *const factors = taps.const_data_ptr();
  void* const to = y.mutable_data_ptr();
  at::parallel_for(0, x.size(0) * g.out_height, kLinesPerTask, [&](int64_t first, int64_t last) {
    depthwise_forward(g, x.scalar_type(), from, factors, to, first, last);
  });
  return y;
}

at::Tensor input_gradient(const DepthwiseGeometry& g, const at::Tensor& grad,
                          const at::Tensor& weight) {
  const at::Tensor grad_x = channels_last_like(grad, g.in_height, g.in_width);
  const at::Tensor taps = taps_first(weight);
  const void *const from = grad.const_data_ptr(), *const factors = taps.const_data_ptr();
  void* const to = grad_x.mutable_data_ptr();
  at::parallel_for(0, grad.size(0) * g.in_height, kLinesPerTask, [&](int64_t first, int64_t last) {
    depthwise_backward_input(g, grad.scalar_type(), from, factors, to, first, last);
  });
  return grad_x;
}

// Images are cut into a fixed number of slices, whose sums are added in order: the result does not
// depend on the number of threads.
at::Tensor weight_gradient(const DepthwiseGeometry& g, const at::Tensor& x, const at::Tensor& grad,
                           const at::Tensor& weight) {
  const int64_t images = x.size(0), slices = std::min<int64_t>(images, 8);
  const int64_t blocks = g.channels / kLanes;
  const at::Tensor parts = at::zeros({slices, g.kernel * g.kernel, g.channels}, weight.options());
  const void *const from = x.const_data_ptr(), *const slopes = grad.const_data_ptr();
  auto* const to = static_cast<std::byte*>(parts.mutable_data_ptr());
  const size_t slice_bytes = parts.nbytes() / static_cast<size_t>(slices);
  at::parallel_for(0, slices * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t slice = task / blocks, channel = task % blocks * kLanes;
      depthwise_backward_weight(g, x.scalar_type(), from, slopes,
                                to + static_cast<size_t>(slice) * slice_bytes, channel,
                                slice * images / slices, (slice + 1) * images / slices);
    }
  });
  return parts.sum(0).t().reshape(weight.sizes());
}

class DepthwiseFunction : public torch::autograd::Function<DepthwiseFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& x, const Variable& weight,
                          int64_t stride, int64_t pad_before, int64_t pad_after) {
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = stride;
    context->saved_data["pad_before"] = pad_before;
    context->saved_data["pad_after"] = pad_after;
    return forward_pass(geometry(x, weight, stride, pad_before, pad_after), x, weight);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const Variable &x = saved[0], &weight = saved[1];
    const DepthwiseGeometry g = geometry(x, weight, context->saved_data["stride"].toInt(),
                                         context->saved_data["pad_before"].toInt(),
                                         context->saved_data["pad_after"].toInt());
    const at::Tensor grad = grads[0].contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor grad_x, grad_weight;
    if (context->needs_input_grad(0)) grad_x = input_gradient(g, grad, weight);
    if (context->needs_input_grad(1)) grad_weight = weight_gradient(g, x, grad, weight);
    return {grad_x, grad_weight, {}, {}, {}};
  }

 private:
  static DepthwiseGeometry geometry(const at::Tensor& x, const at::Tensor& weight, int64_t stride,
                                    int64_t pad_before, int64_t pad_after) {
    const int64_t kernel = weight.size(2);
    const auto out_size = [&](int64_t size) {
      if (size + pad_before + pad_after < kernel) {
        fail("depthwise_convolution",
             "{} rows or columns and {} of padding are less than the kernel's {}: give more frames",
             size, pad_before + pad_after, kernel);
      }
      return (size + pad_before + pad_after - kernel) / stride + 1;
    };
    return {.channels = x.size(1),
            .kernel = kernel,
            .stride = stride,
            .pad = pad_before,
            .in_height = x.size(2),
            .in_width = x.size(3),
            .out_height = out_size(x.size(2)),
            .out_width = out_size(x.size(3))};
  }
};

}  // namespace

bool depthwise_applies(const at::Tensor& x, const at::Tensor& weight) {
  return kernels_take(x, weight) && x.size(1) % kLanes == 0 &&
         (weight.size(2) == 3 || weight.size(2) == 5);
}

at::Tensor depthwise_convolution(const at::Tensor& x, const at::Tensor& weight, int64_t stride,
                                 int64_t pad_before, int64_t pad_after) {
  return DepthwiseFunction::apply(x, weight, stride, pad_before, pad_after);
}

}  // namespace cocola
