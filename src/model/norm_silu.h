// Batch norm with SiLU behind it as a GPU runs it. No GPU has run it yet.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "model/batch_norm.h"
#include "model/norm_silu_cells.h"

namespace cocola {

// Each does every cell i < n once.
template <typename Value>
struct NormImageKernels {
  void (*forward)(const NormSilu<Value>& cells, int64_t n) = nullptr;
  void (*gradient_sums)(const NormGradientSums<Value>& cells, int64_t n) = nullptr;
  void (*backward)(const NormSiluGradient<Value>& cells, int64_t n) = nullptr;
};
struct NormKernels {
  void (*factors)(const NormFactors& cells, int64_t n) = nullptr;
  void (*shares)(const NormShares& cells, int64_t n) = nullptr;
  NormImageKernels<float> of_float;
  NormImageKernels<at::BFloat16> of_bfloat16;
};

// Queued on the current stream of the current device. Throws: Error in a build without CUDA.
NormKernels cuda_norm_kernels();

// True for float32 and bfloat16 images in channels_last order that are not empty and begin at a
// multiple of 16 bytes, C a multiple of 8, with float32 weights, on any device.
bool norm_silu_applies(const at::Tensor& x, const NormParameters& parameters);

// [C]; inverse is 1 / sqrt(variance + epsilon). float32 here, float64 for the loops of the CPU.
struct NormMoments {
  at::Tensor mean, inverse;
};

// Requires: norm_silu_applies(x, parameters); all tensors on the kernels' device.
// Shapes:   the result as x; measured, unless undefined, float32 [2 C] receives mean and unbiased
//           variance.
at::Tensor norm_silu_forward(const NormKernels& kernels, const at::Tensor& x,
                             const NormParameters& parameters, const NormMoments& moments,
                             const at::Tensor& measured);

struct NormGradients {
  at::Tensor x, weight, bias;
};

// Works the rest out again from what the forward pass read. grad [R, C, H, W] of x's type; moments
// are those of x itself.
NormGradients norm_silu_backward(const NormKernels& kernels, const at::Tensor& x,
                                 const at::Tensor& grad, const NormParameters& parameters,
                                 const NormMoments& moments);

}  // namespace cocola
