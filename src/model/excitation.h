// Squeeze-and-excite on the CPU in three readings and a writing of an image each way.
#pragma once
#include <ATen/core/Tensor.h>

namespace cocola {

// Two convolutions of one pixel, of the images' type, or float32 for bfloat16.
struct ExcitationParameters {
  at::Tensor reduce, reduce_bias;    // [S, C, 1, 1], [S]
  at::Tensor restore, restore_bias;  // [C, S, 1, 1], [C]
};

// True for float32, float64 and bfloat16 on the CPU in channels_last order, channels in multiples
// of 16.
bool excitation_applies(const at::Tensor& x, const ExcitationParameters& parameters);

// x times sigmoid(restore(silu(reduce(mean of x over its pixels)))). Differentiable once in x and
// all parameters.
//
// Shapes:   x [R, C, H, W]; the result too, in channels_last order. What has no pixels is in
//           float32, or float64.
// Requires: excitation_applies(x, parameters).
at::Tensor excitation(const at::Tensor& x, const ExcitationParameters& parameters);

}  // namespace cocola
