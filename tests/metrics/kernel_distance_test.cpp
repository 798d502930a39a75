#include "metrics/kernel_distance.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cdist.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "metrics/sample_sets.h"

namespace cocola {
namespace {

using testing::normal_samples;
using testing::wave_samples;

ClusteredSamples each_alone(const at::Tensor& samples) {
  return {samples, at::arange(samples.size(0)), samples.size(0)};
}

double distance_of(const at::Tensor& x, const at::Tensor& y, double sigma) {
  return kernel_distance(each_alone(x), each_alone(y), sigma).value;
}

const at::Tensor kX = wave_samples(50, 8, 0.37, 0.1, 0), kY = wave_samples(60, 8, 0.53, 0.7, 0.2);

TEST(MedianDistance, AgreesWithKnownAnswers) {
  EXPECT_NEAR(median_distance(kX, 1), 2.9109309786, 1e-9);
  EXPECT_NEAR(median_distance(kY, 1), 2.9384689591, 1e-9);
}

TEST(MedianDistance, OfDrawnSamplesIsNearThatOfAll) {
  const double all = median_distance(normal_samples(kMedianSamples, 3, 1), 1);
  const double drawn = median_distance(normal_samples(3 * kMedianSamples, 3, 2), 1);
  EXPECT_NEAR(drawn, all, 0.02 * all);
}

TEST(MedianDistance, OfEqualSamplesIsZero) {
  EXPECT_EQ(median_distance(at::full({10, 3}, 0.1, at::kDouble), 1), 0.0);
  EXPECT_THROW(median_distance(normal_samples(1, 3, 1), 1), Error);
}

TEST(KernelDistance, AgreesWithKnownAnswers) {
  EXPECT_NEAR(distance_of(kX, kY, 2.0), -0.8352639648, 1e-9);
  EXPECT_NEAR(distance_of(kX, kY, median_distance(kX, 1)), -0.3962804254, 1e-9);
  EXPECT_NEAR(distance_of(kX, kY, median_distance(kY, 1)), -0.3872913264, 1e-9);
}

TEST(KernelDistance, IsThePlainDoubleSumForSetsOfSeveralTiles) {
  const at::Tensor x = normal_samples(2500, 2, 1) + 1e3, y = normal_samples(2600, 2, 2) + 1e3;
  const auto mean_k = [](const at::Tensor& a, const at::Tensor& b) {
    return (-at::cdist(a, b).square() / (2.0 + 1e-8)).exp().sum().item<double>();
  };
  const double n = 2500, m = 2600;
  const double expected = (mean_k(x, x) - n) / (n * (n - 1)) + (mean_k(y, y) - m) / (m * (m - 1)) -
                          2 * mean_k(x, y) / (n * m);
  EXPECT_NEAR(distance_of(x, y, 1.0), 100 * expected, 1e-8);
}

TEST(KernelDistance, IsSymmetricAndBlindToTheOrderOfSamples) {
  const double value = distance_of(kX, kY, 2.0);
  EXPECT_NEAR(distance_of(kY, kX, 2.0), value, 1e-12);
  EXPECT_NEAR(distance_of(kX.flip(0), kY.roll(7, 0), 2.0), value, 1e-12);
}

TEST(KernelDistance, HasNoBiasInSmallSets) {
  double sum = 0.0, squares = 0.0;
  constexpr int kTrials = 400;
  for (uint64_t i = 0; i < kTrials; ++i) {
    const double value =
        distance_of(normal_samples(8, 4, 2 * i), normal_samples(8, 4, 2 * i + 1), 2);
    sum += value;
    squares += value * value;
  }
  EXPECT_LT(std::abs(sum), 3.0 * std::sqrt(squares));
}

TEST(KernelDistance, IntervalHoldsTheTruthOfLargeSetsAboutAsOftenAsItSays) {
  const double truth =
      distance_of(normal_samples(3000, 3, 1), normal_samples(3000, 3, 2) + 0.7, 2.0);
  int held = 0;
  constexpr int kTrials = 100;
  for (uint64_t i = 0; i < kTrials; ++i) {
    const Interval interval =
        kernel_distance(each_alone(normal_samples(40, 3, 100 + 2 * i)),
                        each_alone(normal_samples(40, 3, 101 + 2 * i) + 0.7), 2.0)
            .interval.value();
    held += interval.low <= truth && truth <= interval.high;
  }
  EXPECT_GE(held, 87);
}

TEST(KernelDistance, JackknifeLeavesOutWholeSongs) {
  // Left-out sets computed one by one.
  const at::Tensor cluster_x = at::arange(50) % 7, cluster_y = at::arange(60) % 5;
  const auto variance = [](const std::vector<double>& values) {
    double mean = 0.0, squares = 0.0;
    const auto n = static_cast<double>(values.size());
    for (const double v : values) mean += v / n;
    for (const double v : values) squares += (v - mean) * (v - mean);
    return (n - 1) / n * squares;
  };
  std::vector<double> without_x, without_y;
  for (int64_t g = 0; g < 7; ++g) {
    without_x.push_back(distance_of(kX.index({cluster_x != g}), kY, 2.0));
  }
  for (int64_t g = 0; g < 5; ++g) {
    without_y.push_back(distance_of(kX, kY.index({cluster_y != g}), 2.0));
  }
  const KernelDistance distance = kernel_distance({kX, cluster_x, 7}, {kY, cluster_y, 5}, 2.0);
  EXPECT_NEAR(distance.interval->high - distance.value,
              1.959963984540054 * std::sqrt(variance(without_x) + variance(without_y)), 1e-9);
}

TEST(KernelDistance, OfOneSongHasNoInterval) {
  const ClusteredSamples one_song{kX, at::zeros({50}, at::kLong), 1};
  EXPECT_FALSE(kernel_distance(one_song, each_alone(kY), 2.0).interval.has_value());
  EXPECT_FALSE(kernel_distance(each_alone(kY), one_song, 2.0).interval.has_value());
  // Two samples, one of which is left out.
  const ClusteredSamples two = each_alone(kX.narrow(0, 0, 2));
  EXPECT_FALSE(kernel_distance(two, each_alone(kY), 2.0).interval.has_value());
}

TEST(KernelDistance, RefusesWhatHasNoDistance) {
  EXPECT_THROW(distance_of(kX.narrow(0, 0, 1), kY, 2.0), Error);
  EXPECT_THROW(distance_of(kX, kY.narrow(1, 0, 4), 2.0), Error);
}

}  // namespace
}  // namespace cocola
