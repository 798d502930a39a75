// Confidence intervals of means over songs.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace cocola {

struct Interval {
  double value = 0.0, low = 0.0, high = 0.0;
};

// Mean of `values` with a percentile bootstrap interval that resamples whole clusters (songs).
//
// Shapes: values [n], cluster [n] with entries in [0, num_clusters).
// Range:  level in (0, 1), e.g. 0.95.
// Random: decided by seed.
// Throws: Error when empty.
Interval bootstrap_mean(std::span<const double> values, std::span<const int64_t> cluster,
                        int64_t num_clusters, double level, int64_t num_resamples, uint64_t seed);

}  // namespace cocola
