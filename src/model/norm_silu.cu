#include <ATen/core/Tensor.h>

#include "base/run_cells.cuh"
#include "model/norm_silu.h"

namespace cocola {
namespace {

template <typename Value>
NormImageKernels<Value> kernels_of() {
  return {run_cells<NormSilu<Value>>, run_cells<NormGradientSums<Value>>,
          run_cells<NormSiluGradient<Value>>};
}

}  // namespace

NormKernels cuda_norm_kernels() {
  return {run_cells<NormFactors>, run_cells<NormShares>, kernels_of<float>(),
          kernels_of<at::BFloat16>()};
}

}  // namespace cocola
