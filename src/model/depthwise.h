// Depthwise convolution on the CPU with static padding, several times faster in its gradients than
// the general convolution.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>

namespace cocola {

// True for float32, float64 and bfloat16 on the CPU in channels_last order, channels in multiples
// of 16, kernels of 3 or 5.
bool depthwise_applies(const at::Tensor& x, const at::Tensor& weight);

// Differentiable in x and weight.
//
// Shapes:   x [R, C, H, W]; weight [C, 1, k, k] of x's type, or float32 for bfloat16 (sums are then
//           float32); the result [R, C, H', W'] in channels_last order.
// Requires: depthwise_applies(x, weight). Zeros lie around x: pad_before and pad_after on each
// axis. Law:      the same bytes for any number of threads.
at::Tensor depthwise_convolution(const at::Tensor& x, const at::Tensor& weight, int64_t stride,
                                 int64_t pad_before, int64_t pad_after);

}  // namespace cocola
