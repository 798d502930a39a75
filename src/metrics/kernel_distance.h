// The kernel audio distance (KAD): how far two sets of embeddings are apart, without assuming
// that they are Gaussian, and without the bias of Frechet distances in small sets.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "metrics/confidence.h"

namespace cocola {

// Samples and the songs they come from.
struct ClusteredSamples {
  at::Tensor samples;  // [n, d] float64
  at::Tensor cluster;  // [n] int64, entries in [0, num_clusters)
  int64_t num_clusters = 0;
};

struct KernelDistance {
  double value = 0.0;  // 100 x the unbiased squared maximum mean discrepancy; may be negative
  // 95 %: normal, with a jackknife that leaves out one song at a time. Empty below two songs in
  // either set, and where leaving one out leaves fewer than two samples.
  std::optional<Interval> interval;
};

// With k(x, y) = exp(-gamma |x - y|^2) and gamma = 1 / (2 sigma^2 + 1e-8): the mean k of different
// samples of a, plus that of b, minus twice the mean k between a and b; times 100.
//
// Requires: sigma > 0.
// Throws:   Error below two samples and for unequal dimensions.
// Law:      symmetric; the order of samples changes it by rounding alone. Memory does not grow with
//           the product of the sizes.
// See:      Chung et al., KAD: no more FAD! (2025).
KernelDistance kernel_distance(const ClusteredSamples& a, const ClusteredSamples& b, double sigma);

// Samples among which the median distance is found; of larger sets that many are drawn.
inline constexpr int64_t kMedianSamples = 4096;

// The median distance between different samples, the lower middle one of an even count: KAD's
// sigma.
//
// Random: above kMedianSamples samples, decided by seed and their order.
// Throws: Error below two samples.
double median_distance(const at::Tensor& samples, uint64_t seed);

}  // namespace cocola
