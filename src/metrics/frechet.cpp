#include "metrics/frechet.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/matmul.h>

#include <cmath>
#include <utility>

#include "base/error.h"
#include "metrics/subsample.h"

namespace cocola {
namespace {

// root^T root is the covariance.
at::Tensor covariance_root(const GaussianStatistics& statistics) {
  return statistics.root / std::sqrt(static_cast<double>(statistics.num_samples - 1));
}

double squared_norm(const at::Tensor& tensor) { return tensor.square().sum().item<double>(); }

// With covariances A^T A and B^T B, tr (A^T A B^T B)^{1/2} is the nuclear norm of A B^T, and the
// whole part of the covariances is the least |A - Q B|^2 over orthogonal Q (Procrustes). The best Q
// comes from the singular vectors of A B^T. Where A has fewer rows, Q is completed implicitly: what
// it leaves of B counts in full.
double covariance_part(at::Tensor a, at::Tensor b) {
  if (a.size(0) > b.size(0)) std::swap(a, b);
  const auto [u, singular_values, vt] = at::linalg_svd(at::matmul(a, b.t()), false);
  const at::Tensor facing = at::matmul(vt, b);
  return squared_norm(a - at::matmul(u, facing)) + squared_norm(b - at::matmul(vt.t(), facing));
}

void fit(FrechetLimit& result) {
  const auto n = static_cast<double>(result.points.size());
  double mean_x = 0.0, mean_y = 0.0;
  for (const FrechetPoint& point : result.points) {
    mean_x += 1.0 / static_cast<double>(point.num_samples) / n;
    mean_y += point.value / n;
  }
  double xx = 0.0, xy = 0.0, yy = 0.0;
  for (const FrechetPoint& point : result.points) {
    const double x = 1.0 / static_cast<double>(point.num_samples) - mean_x;
    const double y = point.value - mean_y;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  result.slope = xy / xx;
  result.limit = mean_y - result.slope * mean_x;
  const double rounding = 1e-12 * mean_y;
  if (yy > n * rounding * rounding) result.r_squared = xy * xy / (xx * yy);
}

}  // namespace

FrechetDistance frechet_distance(const GaussianStatistics& a, const GaussianStatistics& b) {
  for (const GaussianStatistics* side : {&a, &b}) {
    if (side->num_samples < 2) {
      fail("frechet", "{} samples have no covariance; 2 or more are needed", side->num_samples);
    }
  }
  if (a.dimensions() != b.dimensions()) {
    fail("frechet", "samples of {} values cannot be compared with samples of {}", a.dimensions(),
         b.dimensions());
  }
  const at::Tensor root_a = covariance_root(a), root_b = covariance_root(b);
  const double scale = squared_norm(root_a) + squared_norm(root_b);
  FrechetDistance distance;
  distance.of_means = squared_norm(a.mean - b.mean);
  if (!std::isfinite(scale + distance.of_means)) {
    fail("frechet", "the samples are not finite, or too large for their squares");
  }
  distance.of_covariances = covariance_part(root_a, root_b);
  distance.value = distance.of_means + distance.of_covariances;
  return distance;
}

FrechetLimit frechet_limit(const GaussianStatistics& reference, const at::Tensor& samples,
                           uint64_t seed) {
  const int64_t n = samples.size(0);
  if (n <= kLeastLimitSamples) {
    fail("frechet", "{} samples are too few to extrapolate from; more than {} are needed", n,
         kLeastLimitSamples);
  }
  FrechetLimit result;
  for (int64_t i = 0; i < kNumLimitPoints; ++i) {
    const int64_t size = kLeastLimitSamples + i * (n - kLeastLimitSamples) / (kNumLimitPoints - 1);
    const at::Tensor drawn = draw_rows(samples, size, seed, SubsampleUse::frechet_limit, i);
    result.points.push_back({size, frechet_distance(reference, gaussian_statistics(drawn)).value});
  }
  fit(result);
  return result;
}

}  // namespace cocola
