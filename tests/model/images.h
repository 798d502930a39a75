// Images as the layers' kernels take them, and how far two results are apart.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

namespace cocola::testing {

inline at::Tensor last(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

// The largest difference as a share of the largest value.
inline double relative_difference(const at::Tensor& found, const at::Tensor& expected) {
  const at::Tensor wide = expected.to(at::kDouble);
  return ((found.to(at::kDouble) - wide).abs().max() / wide.abs().max()).item<double>();
}

}  // namespace cocola::testing
