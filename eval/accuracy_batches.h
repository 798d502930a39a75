// Accuracy as the papers measure it: in batches of K windows, in random order.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <vector>

namespace cocola {

// One value for each of num_passes walks over all windows in random order: the share of anchors
// whose positive is the most similar one of their batch of K, ties shared. What is left of the
// windows at the end fills no batch and is left out.
//
// Shapes: similarity [n, n] float32, positives on the diagonal; K in [2, n].
// Random: decided by (seed, pass).
// Law:    the expectation of each value is the mean of expected_accuracy_per_anchor().
std::vector<double> accuracy_of_passes(const at::Tensor& similarity, int64_t k, int64_t num_passes,
                                       uint64_t seed);

struct Spread {
  double mean = 0.0, standard_deviation = 0.0;  // of a sample; 0 for one value
};
// Requires: values, at least one.
Spread spread_of(const std::vector<double>& values);

}  // namespace cocola
