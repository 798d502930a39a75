// Exact expected accuracy at K: the chance that K - 1 random negatives all score lower than the
// positive.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <span>
#include <vector>

namespace cocola {

// How the negatives of one anchor compare with its positive.
struct Standing {
  int64_t num_lower = 0, num_tied = 0;
};

// One for each anchor: all that accuracy at any K needs of the similarities.
//
// Shapes: similarity [n, n] float32 or float64, positives on the diagonal.
// Throws: Error unless similarities are such a matrix and finite (the row named).
std::vector<Standing> standings_of(const at::Tensor& similarity);

// The expectation for each anchor over a uniform draw of K - 1 of its n - 1 negatives without
// replacement; t negatives that tie with the positive share the win (counted as the expectation of
// 1 / (1 + tied drawn)).
//
// Shapes: standings [n] of a matrix; result [n] in [0, 1].
// Throws: Error if k < 2 or k > n (value and n named).
// Law:    all similarities equal -> 1/K; k = n -> the share of rows won outright plus shared ties.
std::vector<double> expected_accuracy(std::span<const Standing> standings, int64_t k);

// Both in one.
std::vector<double> expected_accuracy_per_anchor(const at::Tensor& similarity, int64_t k);

}  // namespace cocola
