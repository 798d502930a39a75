#include "metrics/confidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/philox.h"

namespace cocola {
namespace {

struct Cluster {
  double sum = 0.0;
  int64_t num_members = 0;
};

void check_clusters(std::span<const int64_t> cluster, int64_t num_clusters) {
  if (num_clusters < 1 || num_clusters > std::numeric_limits<uint32_t>::max()) {
    fail("confidence", "num_clusters is {}; allowed range [1, 2^32)", num_clusters);
  }
  for (size_t i = 0; i < cluster.size(); ++i) {
    if (cluster[i] < 0 || cluster[i] >= num_clusters) {
      fail("confidence", "value {} is in cluster {}; allowed range [0, {})", i, cluster[i],
           num_clusters);
    }
  }
}

void check_resampling(double level, int64_t num_resamples) {
  if (!(level > 0.0 && level < 1.0)) {
    fail("confidence", "level is {}; allowed range (0, 1), e.g. 0.95", level);
  }
  if (num_resamples < 1) {
    fail("confidence", "num_resamples is {}; allowed are 1 or more", num_resamples);
  }
}

// Clusters that have members; the others cannot be drawn.
std::vector<Cluster> collect_clusters(std::span<const double> values,
                                      std::span<const int64_t> cluster, int64_t num_clusters) {
  check_clusters(cluster, num_clusters);
  std::vector<Cluster> clusters(static_cast<size_t>(num_clusters));
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) fail("confidence", "value {} is {}, not finite", i, values[i]);
    Cluster& own = clusters[static_cast<size_t>(cluster[i])];
    own.sum += values[i];
    ++own.num_members;
  }
  std::erase_if(clusters, [](const Cluster& c) { return c.num_members == 0; });
  return clusters;
}

// As many clusters as there are, drawn with replacement.
std::vector<uint32_t> draw_clusters(size_t num_clusters, uint64_t seed, int64_t resample) {
  PhiloxStream stream(seed, DrawPurpose::bootstrap, 0, static_cast<uint64_t>(resample), 0);
  std::vector<uint32_t> drawn(num_clusters);
  for (uint32_t& c : drawn) c = stream.next_below(static_cast<uint32_t>(num_clusters));
  return drawn;
}

// Mean over the members of the clusters drawn.
double resampled_mean(std::span<const Cluster> clusters, uint64_t seed, int64_t resample) {
  Cluster drawn;
  for (const uint32_t c : draw_clusters(clusters.size(), seed, resample)) {
    drawn.sum += clusters[c].sum;
    drawn.num_members += clusters[c].num_members;
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

Interval percentile_interval(std::vector<double> values, double level) {
  std::sort(values.begin(), values.end());
  const double tail = (1.0 - level) / 2.0;
  return {quantile_of_sorted(values, tail), quantile_of_sorted(values, 1.0 - tail)};
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
  check_resampling(level, num_resamples);
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
    means.push_back(resampled_mean(clusters, seed, i));
  }
  estimate.interval = percentile_interval(std::move(means), level);
  return estimate;
}

std::vector<std::vector<double>> resampled_means(const std::vector<std::vector<double>>& values,
                                                 int64_t num_resamples, uint64_t seed) {
  const size_t num_clusters = values.empty() ? 0 : values.front().size();
  if (num_clusters == 0) fail("confidence", "no values: a mean needs one or more");
  for (const std::vector<double>& own : values) {
    if (own.size() == num_clusters) continue;
    fail("confidence", "{} values beside {}; expected as many", own.size(), num_clusters);
  }
  std::vector<std::vector<double>> means(values.size());
  for (int64_t i = 0; i < num_resamples; ++i) {
    const std::vector<uint32_t> drawn = draw_clusters(num_clusters, seed, i);
    for (size_t v = 0; v < values.size(); ++v) {
      double sum = 0.0;
      for (const uint32_t c : drawn) sum += values[v][c];
      means[v].push_back(sum / static_cast<double>(num_clusters));
    }
  }
  return means;
}

Estimate bootstrap_statistic(const Statistic& statistic, std::span<const int64_t> cluster,
                             int64_t num_clusters, double level, int64_t num_resamples,
                             uint64_t seed) {
  check_resampling(level, num_resamples);
  check_clusters(cluster, num_clusters);
  std::vector<std::vector<int64_t>> clusters(static_cast<size_t>(num_clusters));
  std::vector<int64_t> members(cluster.size());
  for (size_t i = 0; i < cluster.size(); ++i) {
    members[i] = static_cast<int64_t>(i);
    clusters[static_cast<size_t>(cluster[i])].push_back(members[i]);
  }
  std::erase_if(clusters, [](const std::vector<int64_t>& c) { return c.empty(); });

  Estimate estimate{statistic(members), {}};
  if (clusters.size() < 2 || !estimate.value) return estimate;
  std::vector<double> values;
  for (int64_t i = 0; i < num_resamples; ++i) {
    members.clear();
    for (const uint32_t c : draw_clusters(clusters.size(), seed, i)) {
      members.insert(members.end(), clusters[c].begin(), clusters[c].end());
    }
    if (const std::optional<double> value = statistic(members)) values.push_back(*value);
  }
  const auto num_undefined = num_resamples - static_cast<int64_t>(values.size());
  if (10 * num_undefined < num_resamples) {
    estimate.interval = percentile_interval(std::move(values), level);
  }
  return estimate;
}

}  // namespace cocola
