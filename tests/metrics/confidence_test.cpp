#include "metrics/confidence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/philox.h"

namespace cocola {
namespace {

std::vector<int64_t> one_cluster_each(size_t n) {
  std::vector<int64_t> cluster(n);
  std::iota(cluster.begin(), cluster.end(), 0);
  return cluster;
}

TEST(BootstrapMean, ValueIsThePlainMean) {
  const std::vector<double> values = {1.0, 2.0, 4.0, 9.0};
  const std::vector<int64_t> cluster = {0, 0, 0, 1};
  EXPECT_DOUBLE_EQ(bootstrap_mean(values, cluster, 2, 0.95, 100, 1).value, 4.0);
}

TEST(BootstrapMean, OneClusterHasNoInterval) {
  const std::vector<double> values = {0.25, 0.5, 0.75};
  const std::vector<int64_t> cluster = {3, 3, 3};
  const MeanEstimate estimate = bootstrap_mean(values, cluster, 5, 0.95, 50, 1);
  EXPECT_EQ(estimate.value, 0.5);
  EXPECT_EQ(estimate.num_clusters, 1);
  EXPECT_FALSE(estimate.interval.has_value());
}

TEST(BootstrapMean, ClustersWithoutMembersAreNotCounted) {
  const std::vector<double> values = {1.0, 2.0, 3.0};
  const MeanEstimate estimate =
      bootstrap_mean(values, std::vector<int64_t>{1, 1, 7}, 9, 0.95, 200, 1);
  EXPECT_EQ(estimate.num_clusters, 2);
  EXPECT_TRUE(estimate.interval.has_value());
}

TEST(BootstrapMean, IndependentValuesGiveTheNormalInterval) {
  constexpr size_t n = 400;
  PhiloxStream noise(3, DrawPurpose::noise, 0, 0, 0);
  std::vector<double> values(n);
  for (double& v : values) v = noise.next_normal();
  const MeanEstimate mean = bootstrap_mean(values, one_cluster_each(n), n, 0.95, 4000, 7);
  const double half_width = 1.96 / std::sqrt(static_cast<double>(n));
  EXPECT_NEAR(mean.interval->high - mean.value, half_width, 0.15 * half_width);
  EXPECT_NEAR(mean.value - mean.interval->low, half_width, 0.15 * half_width);
}

TEST(BootstrapMean, CopiesInsideAClusterAddNoCertainty) {
  std::vector<double> values, copies;
  std::vector<int64_t> cluster;
  for (int64_t c = 0; c < 40; ++c) {
    values.push_back(static_cast<double>(c % 2));
    for (int i = 0; i < 10; ++i) {
      copies.push_back(static_cast<double>(c % 2));
      cluster.push_back(c);
    }
  }
  const Interval once =
      bootstrap_mean(values, one_cluster_each(40), 40, 0.9, 1000, 5).interval.value();
  const Interval tenfold = bootstrap_mean(copies, cluster, 40, 0.9, 1000, 5).interval.value();
  EXPECT_NEAR(once.low, tenfold.low, 1e-12);
  EXPECT_NEAR(once.high, tenfold.high, 1e-12);
  const Interval naive =
      bootstrap_mean(copies, one_cluster_each(400), 400, 0.9, 1000, 5).interval.value();
  EXPECT_GT(tenfold.high - tenfold.low, 2.0 * (naive.high - naive.low));
}

TEST(BootstrapMean, ClustersWeighByTheirMembers) {
  std::vector<double> values(99, 1.0);
  std::vector<int64_t> cluster(99, 0);
  values.push_back(0.0);
  cluster.push_back(1);
  // A quarter of the resamples is twice the large cluster, a quarter twice the small one.
  const Interval wide = bootstrap_mean(values, cluster, 2, 0.6, 4000, 11).interval.value();
  EXPECT_EQ(wide.low, 0.0);
  EXPECT_EQ(wide.high, 1.0);
  const Interval narrow = bootstrap_mean(values, cluster, 2, 0.4, 4000, 11).interval.value();
  EXPECT_NEAR(narrow.low, 0.99, 1e-12);
  EXPECT_NEAR(narrow.high, 0.99, 1e-12);
}

TEST(BootstrapMean, EmptyClustersChangeNothing) {
  const std::vector<double> values = {1.0, 2.0, 3.0};
  const Interval dense =
      bootstrap_mean(values, std::vector<int64_t>{0, 1, 2}, 3, 0.95, 200, 1).interval.value();
  const Interval sparse =
      bootstrap_mean(values, std::vector<int64_t>{1, 4, 7}, 9, 0.95, 200, 1).interval.value();
  EXPECT_EQ(dense.low, sparse.low);
  EXPECT_EQ(dense.high, sparse.high);
}

TEST(BootstrapMean, SeedAloneDecides) {
  const std::vector<double> values = {1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.5};
  const auto cluster = one_cluster_each(values.size());
  const auto with_seed = [&](uint64_t seed) {
    return bootstrap_mean(values, cluster, 7, 0.95, 100, seed).interval.value();
  };
  EXPECT_EQ(with_seed(1).low, with_seed(1).low);
  EXPECT_EQ(with_seed(1).high, with_seed(1).high);
  EXPECT_TRUE(with_seed(1).low != with_seed(2).low || with_seed(1).high != with_seed(2).high);
}

TEST(BootstrapMean, RefusesBadInput) {
  const std::vector<double> values = {1.0, 2.0};
  const std::vector<int64_t> cluster = {0, 1};
  EXPECT_THROW(bootstrap_mean({}, {}, 1, 0.95, 10, 1), Error);
  EXPECT_THROW(bootstrap_mean(values, std::vector<int64_t>{0}, 2, 0.95, 10, 1), Error);
  EXPECT_THROW(bootstrap_mean(values, std::vector<int64_t>{0, 2}, 2, 0.95, 10, 1), Error);
  EXPECT_THROW(bootstrap_mean(values, std::vector<int64_t>{0, -1}, 2, 0.95, 10, 1), Error);
  EXPECT_THROW(bootstrap_mean(values, cluster, 0, 0.95, 10, 1), Error);
  EXPECT_THROW(bootstrap_mean(values, cluster, 2, 1.0, 10, 1), Error);
  EXPECT_THROW(bootstrap_mean(values, cluster, 2, 0.0, 10, 1), Error);
  EXPECT_THROW(bootstrap_mean(values, cluster, 2, 0.95, 0, 1), Error);
  const std::vector<double> not_a_number = {1.0, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THROW(bootstrap_mean(not_a_number, cluster, 2, 0.95, 10, 1), Error);
}

TEST(ResampledMeans, AreThoseOfBootstrapMeanAndPaired) {
  const std::vector<double> x = {1.0, 5.0, 2.0, 8.0, 3.0}, y = {4.0, 1.0, 7.0, 2.0, 0.0};
  const auto means = resampled_means({x, y, {1.0, 1.0, 1.0, 1.0, 1.0}}, 401, 9);
  std::vector<double> difference;
  for (size_t i = 0; i < x.size(); ++i) difference.push_back(x[i] - y[i]);
  const auto middle = [](std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return std::pair(values[100], values[300]);
  };
  const auto interval = [&](const std::vector<double>& values) {
    const auto estimate = bootstrap_mean(values, one_cluster_each(5), 5, 0.5, 401, 9);
    return std::pair(estimate.interval->low, estimate.interval->high);
  };
  EXPECT_EQ(middle(means[0]), interval(x));
  EXPECT_EQ(middle(means[1]), interval(y));
  std::vector<double> differences;
  for (size_t i = 0; i < means[0].size(); ++i) differences.push_back(means[0][i] - means[1][i]);
  EXPECT_NEAR(middle(differences).first, interval(difference).first, 1e-12);
  EXPECT_NEAR(middle(differences).second, interval(difference).second, 1e-12);
  EXPECT_EQ(means[2], std::vector<double>(401, 1.0));
}

TEST(ResampledMeans, RefuseNothingAndUnequalNumbers) {
  EXPECT_THROW(resampled_means({}, 10, 1), Error);
  EXPECT_THROW(resampled_means({{}}, 10, 1), Error);
  EXPECT_THROW(resampled_means({{1.0, 2.0}, {1.0}}, 10, 1), Error);
}

TEST(BootstrapStatistic, OfTheMeanIsTheBootstrapOfTheMean) {
  const std::vector<double> values = {1.0, 2.0, 4.0, 9.0, 3.0, 5.0};
  const std::vector<int64_t> cluster = {0, 0, 3, 1, 3, 3};
  const Statistic mean = [&](std::span<const int64_t> members) -> std::optional<double> {
    double sum = 0.0;
    for (const int64_t m : members) sum += values[static_cast<size_t>(m)];
    return sum / static_cast<double>(members.size());
  };
  const MeanEstimate plain = bootstrap_mean(values, cluster, 4, 0.9, 500, 3);
  const Estimate general = bootstrap_statistic(mean, cluster, 4, 0.9, 500, 3);
  EXPECT_NEAR(*general.value, plain.value, 1e-12);
  EXPECT_NEAR(general.interval->low, plain.interval->low, 1e-12);
  EXPECT_NEAR(general.interval->high, plain.interval->high, 1e-12);
}

TEST(BootstrapStatistic, MembersOfAClusterAreDrawnTogether) {
  const std::vector<int64_t> cluster = {0, 1, 0, 1, 2};
  const Statistic check = [&](std::span<const int64_t> members) -> std::optional<double> {
    EXPECT_EQ(std::count(members.begin(), members.end(), 0),
              std::count(members.begin(), members.end(), 2));
    EXPECT_EQ(std::count(members.begin(), members.end(), 1),
              std::count(members.begin(), members.end(), 3));
    return 1.0;
  };
  EXPECT_TRUE(bootstrap_statistic(check, cluster, 3, 0.95, 100, 1).interval.has_value());
}

TEST(BootstrapStatistic, UndefinedResamplesAreLeftOutAndManyLeaveNoInterval) {
  std::vector<int64_t> cluster = one_cluster_each(3);
  // Undefined unless all members differ: 2 of 9 resamples of three are.
  const Statistic all_differ = [](std::span<const int64_t> members) -> std::optional<double> {
    const std::set<int64_t> distinct(members.begin(), members.end());
    if (distinct.size() < members.size()) return std::nullopt;
    return 1.0;
  };
  const Estimate rare = bootstrap_statistic(all_differ, cluster, 3, 0.95, 200, 1);
  EXPECT_EQ(rare.value, 1.0);
  EXPECT_FALSE(rare.interval.has_value());
  // Undefined where all members are one: a 125th of resamples of four.
  cluster = one_cluster_each(4);
  const Statistic some_differ = [](std::span<const int64_t> members) -> std::optional<double> {
    const std::set<int64_t> distinct(members.begin(), members.end());
    if (distinct.size() < 2) return std::nullopt;
    return static_cast<double>(distinct.size());
  };
  const Estimate usual = bootstrap_statistic(some_differ, cluster, 4, 0.98, 2000, 1);
  ASSERT_TRUE(usual.interval.has_value());
  EXPECT_EQ(usual.interval->low, 2.0);
}

TEST(BootstrapStatistic, OneClusterOrAnUndefinedValueHasNoInterval) {
  const Statistic size = [](std::span<const int64_t> members) -> std::optional<double> {
    if (members.empty()) return std::nullopt;
    return static_cast<double>(members.size());
  };
  const std::vector<int64_t> one = {2, 2};
  EXPECT_EQ(bootstrap_statistic(size, one, 3, 0.95, 10, 1).value, 2.0);
  EXPECT_FALSE(bootstrap_statistic(size, one, 3, 0.95, 10, 1).interval.has_value());
  EXPECT_FALSE(bootstrap_statistic(size, {}, 1, 0.95, 10, 1).value.has_value());
  EXPECT_THROW(bootstrap_statistic(size, one, 2, 0.95, 10, 1), Error);
  EXPECT_THROW(bootstrap_statistic(size, one, 3, 1.5, 10, 1), Error);
}

}  // namespace
}  // namespace cocola
