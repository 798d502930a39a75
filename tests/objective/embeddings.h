// Inputs for tests of objectives, made from formulas.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/tanh.h>

#include <vector>

namespace cocola::testing {

struct Embeddings {
  at::Tensor anchors, positives, w;
};

// Embeddings without structure.
inline Embeddings scattered(int64_t num_pairs, int64_t size) {
  const at::Tensor index = at::arange(num_pairs * size, at::kDouble).view({num_pairs, size});
  const at::Tensor w_index = at::arange(size * size, at::kDouble).view({size, size});
  return {at::tanh(at::sin(index * 12.9898) * 2.0), at::tanh(at::sin(index * 78.233 + 1.0) * 2.0),
          at::sin(w_index * 37.719) * 0.3};
}

// Vectors whose sum depends on the order of additions.
inline std::vector<at::Tensor> uneven_terms(int64_t count) {
  const at::Tensor index = at::arange(count * 50, at::kDouble).view({count, 50});
  return (at::sin(index * 12.9898) * at::exp(at::sin(index * 78.233) * 5.0))
      .to(at::kFloat)
      .unbind();
}

// Largest difference in units of the largest expected value.
inline double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  return ((actual - expected).abs().max() / expected.abs().max()).item<double>();
}

}  // namespace cocola::testing
