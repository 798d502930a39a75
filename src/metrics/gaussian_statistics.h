// Mean and covariance of many samples, gathered block by block; parts from several threads, ranks
// or files are merged. The covariance is kept as a square root, which is never squared: distances
// between nearly singular sets keep all their digits, and sets of fewer samples than dimensions are
// no special case.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cocola {

// Plain data: three values to send or store.
//
// Law: blocks and merges of any sizes and order give the statistics of all samples at once, up to
//      rounding of float64.
struct GaussianStatistics {
  int64_t num_samples = 0;
  at::Tensor mean;  // [d] float64
  // [r, d] float64, r <= d: root^T root is the sum of (x - mean)(x - mean)^T.
  at::Tensor root;

  // samples [n, d] of any real type, n >= 0, on the CPU.
  // Throws: Error when d differs from before.
  void add(const at::Tensor& samples);
  void merge(const GaussianStatistics& other);

  int64_t dimensions() const { return mean.size(0); }
  // [d, d], the unbiased estimate. Throws: Error below two samples.
  at::Tensor covariance() const;
  // Number of directions in which the samples differ by more than rounding; at most
  // min(d, num_samples - 1).
  int64_t rank() const;
};

// The statistics of all rows of `samples` [n, d].
GaussianStatistics gaussian_statistics(const at::Tensor& samples);

}  // namespace cocola
