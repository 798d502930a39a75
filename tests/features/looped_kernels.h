// The kernels of the GPU's front end as plain loops on the CPU.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cmath>

#include "features/front_end_kernels.h"
#include "features/front_end_support.h"
#include "support/loop_over.h"

namespace cocola::testing {

inline at::Tensor looped_magnitude(const at::Tensor& spectrum) {
  const at::Tensor out = at::empty(spectrum.sizes(), at::kFloat);
  const auto* const values = spectrum.const_data_ptr<c10::complex<double>>();
  for (int64_t i = 0; i < spectrum.numel(); ++i) {
    const double re = values[i].real(), im = values[i].imag();
    out.data_ptr<float>()[i] = static_cast<float>(std::sqrt(re * re + im * im));
  }
  return out;
}

inline FrontEndKernels looped_kernels() {
  return {loop_over<TaperedFrames>, loop_over<MediansOfRows>, loop_over<MelLevels>,
          looped_magnitude};
}

}  // namespace cocola::testing
