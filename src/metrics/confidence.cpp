#include "metrics/confidence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/philox.h"

namespace cocola {
namespace {

struct Cluster {
  double sum = 0.0;
  int64_t num_members = 0;
};

// Clusters that have members; the others cannot be drawn.
std::vector<Cluster> collect_clusters(std::span<const double> values,
                                      std::span<const int64_t> cluster, int64_t num_clusters) {
  if (num_clusters < 1 || num_clusters > std::numeric_limits<uint32_t>::max()) {
    fail("confidence", "num_clusters is {}; allowed range [1, 2^32)", num_clusters);
  }
  std::vector<Cluster> clusters(static_cast<size_t>(num_clusters));
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) fail("confidence", "value {} is {}, not finite", i, values[i]);
    if (cluster[i] < 0 || cluster[i] >= num_clusters) {
      fail("confidence", "value {} is in cluster {}; allowed range [0, {})", i, cluster[i],
           num_clusters);
    }
    Cluster& own = clusters[static_cast<size_t>(cluster[i])];
    own.sum += values[i];
    ++own.num_members;
  }
  std::erase_if(clusters, [](const Cluster& c) { return c.num_members == 0; });
  return clusters;
}

// Mean over the members of as many clusters as there are, drawn with replacement.
double resampled_mean(std::span<const Cluster> clusters, uint64_t seed, uint64_t resample) {
  PhiloxStream stream(seed, DrawPurpose::bootstrap, 0, resample, 0);
  const auto num_clusters = static_cast<uint32_t>(clusters.size());
  Cluster drawn;
  for (uint32_t i = 0; i < num_clusters; ++i) {
    const Cluster& c = clusters[stream.next_below(num_clusters)];
    drawn.sum += c.sum;
    drawn.num_members += c.num_members;
  }
  return drawn.sum / static_cast<double>(drawn.num_members);
}

// Linear between neighbours; fraction in [0, 1].
double quantile_of_sorted(std::span<const double> sorted, double fraction) {
  const double position = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

}  // namespace

MeanEstimate bootstrap_mean(std::span<const double> values, std::span<const int64_t> cluster,
                            int64_t num_clusters, double level, int64_t num_resamples,
                            uint64_t seed) {
  if (values.empty()) fail("confidence", "no values: a mean needs one or more");
  if (values.size() != cluster.size()) {
    fail("confidence", "{} values but {} cluster numbers; expected one for each value",
         values.size(), cluster.size());
  }
  if (!(level > 0.0 && level < 1.0)) {
    fail("confidence", "level is {}; allowed range (0, 1), e.g. 0.95", level);
  }
  if (num_resamples < 1) {
    fail("confidence", "num_resamples is {}; allowed are 1 or more", num_resamples);
  }
  const std::vector<Cluster> clusters = collect_clusters(values, cluster, num_clusters);
  Cluster all;
  for (const Cluster& c : clusters) {
    all.sum += c.sum;
    all.num_members += c.num_members;
  }
  MeanEstimate estimate{
      all.sum / static_cast<double>(all.num_members), {}, static_cast<int64_t>(clusters.size())};
  if (clusters.size() < 2) return estimate;
  std::vector<double> means;
  for (int64_t i = 0; i < num_resamples; ++i) {
    means.push_back(resampled_mean(clusters, seed, static_cast<uint64_t>(i)));
  }
  std::sort(means.begin(), means.end());
  const double tail = (1.0 - level) / 2.0;
  estimate.interval = {quantile_of_sorted(means, tail), quantile_of_sorted(means, 1.0 - tail)};
  return estimate;
}

}  // namespace cocola
