// Frechet distances between sets of embeddings, as in the Frechet Audio Distance (FAD): the squared
// 2-Wasserstein distance of two Gaussians with the sets' means and covariances.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "metrics/gaussian_statistics.h"

namespace cocola {

// value = |mean_a - mean_b|^2 + tr A + tr B - 2 tr (A B)^{1/2}, in two parts that are never
// negative. A squared distance, not its root; covariances with n - 1.
struct FrechetDistance {
  double value = 0.0;
  double of_means = 0.0, of_covariances = 0.0;
};

// Exact for any rank, also with fewer samples than dimensions. Nothing is added to a covariance,
// nothing is clamped, and near sets lose no digits: no difference of large sums is taken.
//
// Throws: Error below two samples, for unequal dimensions, and when values are too large for
//         float64.
// Law:    symmetric; 0 to rounding for equal sets; unchanged by a rotation or shift of both.
FrechetDistance frechet_distance(const GaussianStatistics& a, const GaussianStatistics& b);

struct FrechetPoint {
  int64_t num_samples = 0;
  double value = 0.0;
};

// The least-squares fit value = limit + slope / num_samples.
struct FrechetLimit {
  double limit = 0.0;  // FAD-infinity
  double slope = 0.0;
  std::optional<double> r_squared;  // empty when all points are equal
  std::vector<FrechetPoint> points;
};

// The smallest of the sizes that FAD-infinity fits, and their number.
inline constexpr int64_t kLeastLimitSamples = 500, kNumLimitPoints = 25;

// FAD-infinity: the bias of a Frechet distance falls with 1 / n, so distances of 25 sizes from 500
// to all n samples are extrapolated to infinitely many. Samples of each size are drawn without
// replacement; the last size is the whole set.
//
// Random: decided by seed and the order of the samples.
// Throws: Error unless n > kLeastLimitSamples; what frechet_distance throws.
// See:    Gui et al., Adapting Frechet Audio Distance for generative music evaluation (2024).
FrechetLimit frechet_limit(const GaussianStatistics& reference, const at::Tensor& samples,
                           uint64_t seed);

}  // namespace cocola
