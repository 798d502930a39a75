// Batch norm with SiLU behind it as one operation: nothing but its input is kept for the backward
// pass, which works the rest out again. No GPU has run it yet.
#pragma once
#include <ATen/core/Tensor.h>

namespace cocola {

struct NormParameters {
  at::Tensor weight, bias;  // [C] of x's type, or float32 for bfloat16
  double epsilon;
  bool silu;  // followed by SiLU
};

// True for images in channels_last order: on the CPU for float32, float64 and bfloat16 whose pixels
// fill whole lines of 16 values, any number of them where C is a multiple of 16, an even one for
// one of 8; on a GPU, with SiLU, for float32 and bfloat16 where C is a multiple of 8.
bool batch_norm_applies(const at::Tensor& x, const NormParameters& parameters);

// Normalises by the mean and variance of all pixels of x. Differentiable once in x, weight and
// bias.
//
// Shapes:   x [R, C, H, W]; the result too, in channels_last order; measured [2 C] of the type of
//           the weights receives mean and unbiased variance.
// Requires: batch_norm_applies(x, parameters).
// Law:      the same bytes for any number of threads.
at::Tensor batch_norm_of_batch(const at::Tensor& x, const NormParameters& parameters,
                               const at::Tensor& measured);

// Normalises by a given mean and variance [C]. Not differentiable.
at::Tensor batch_norm_of_running(const at::Tensor& x, const NormParameters& parameters,
                                 const at::Tensor& mean, const at::Tensor& variance);

}  // namespace cocola
