// Exact expected accuracy at K: the chance that K - 1 random negatives all score lower than the
// positive.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <vector>

namespace cocola {

// The expectation for each anchor over a uniform draw of K - 1 of its n - 1 negatives without
// replacement; t negatives that tie with the positive share the win (counted as the expectation of
// 1 / (1 + tied drawn)).
//
// Shapes: similarity [n, n] float32 or float64, positives on the diagonal; result [n] float64 in
// [0, 1]. Throws: Error if k < 2 or k > n (value and n named), or a similarity is not finite. Law:
// all similarities equal -> 1/K; k = n -> the share of rows won outright plus shared ties.
std::vector<double> expected_accuracy_per_anchor(const at::Tensor& similarity, int64_t k);

}  // namespace cocola
