// Confidence intervals of means and other statistics over songs.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace cocola {

struct Interval {
  double low = 0.0, high = 0.0;
};

// Clusters below which an interval is too narrow to be trusted: with n of them, percentile
// intervals of 95 % hold the truth in 89 % of cases at 10, 85 % at 5, 51 % at 2.
inline constexpr int64_t kFewClusters = 10;

struct MeanEstimate {
  double value = 0.0;
  // Empty below two clusters: one song says nothing about others.
  std::optional<Interval> interval;
  int64_t num_clusters = 0;  // with members
};

// Mean of `values` with a percentile bootstrap interval that resamples whole clusters (songs).
// The interval tells how the mean varies with the songs that give anchors. Candidates stay as they
// are: each value was measured against one fixed set of them, so what other candidates would
// change is not covered, nor is the training's luck.
//
// Shapes: values [n], cluster [n] with entries in [0, num_clusters).
// Range:  level in (0, 1), e.g. 0.95.
// Random: decided by seed.
// Throws: Error when empty.
MeanEstimate bootstrap_mean(std::span<const double> values, std::span<const int64_t> cluster,
                            int64_t num_clusters, double level, int64_t num_resamples,
                            uint64_t seed);

// Means of several values of the same clusters (songs) in the same resamples, so that their
// differences are paired.
//
// Shapes: values [v][n], one value for each cluster; result [v][num_resamples].
// Random: decided by seed; the same resamples as bootstrap_mean's.
// Throws: Error unless all have the same n, at least 1.
std::vector<std::vector<double>> resampled_means(const std::vector<std::vector<double>>& values,
                                                 int64_t num_resamples, uint64_t seed);

// A statistic of the members with these numbers, which may repeat; empty where it is undefined.
using Statistic = std::function<std::optional<double>(std::span<const int64_t> members)>;

struct Estimate {
  std::optional<double> value;  // of all members once
  // Empty below two clusters, and where one resample in ten or more leaves the statistic undefined.
  std::optional<Interval> interval;
};

// Any statistic with a percentile bootstrap interval that resamples whole clusters (songs), all
// members of a cluster together. Resamples in which it is undefined are left out.
//
// Shapes: cluster [n], the cluster of each of the members [0, n), entries in [0, num_clusters).
// Range:  level in (0, 1), e.g. 0.95.
// Random: decided by seed; the same resamples as bootstrap_mean's.
Estimate bootstrap_statistic(const Statistic& statistic, std::span<const int64_t> cluster,
                             int64_t num_clusters, double level, int64_t num_resamples,
                             uint64_t seed);

}  // namespace cocola
