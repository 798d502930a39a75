#include "metrics/gaussian_statistics.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cov.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "metrics/sample_sets.h"

namespace cocola {
namespace {

using testing::normal_samples;

void expect_equal(const GaussianStatistics& a, const GaussianStatistics& b) {
  EXPECT_EQ(a.num_samples, b.num_samples);
  EXPECT_LT((a.mean - b.mean).abs().max().item<double>(), 1e-12);
  const double scale = b.covariance().abs().max().item<double>();
  EXPECT_LT((a.covariance() - b.covariance()).abs().max().item<double>(), 1e-12 * scale);
}

TEST(GaussianStatistics, AreMeanAndUnbiasedCovariance) {
  const at::Tensor samples = normal_samples(300, 7, 1) + 2.0;
  const GaussianStatistics statistics = gaussian_statistics(samples);
  EXPECT_LT((statistics.mean - samples.mean(0)).abs().max().item<double>(), 1e-14);
  EXPECT_LT((statistics.covariance() - at::cov(samples.t())).abs().max().item<double>(), 1e-13);
}

TEST(GaussianStatistics, OfBlocksAreThoseOfTheWhole) {
  const at::Tensor samples = normal_samples(10000, 5, 2) * 3.0 + 1.0;
  for (const int64_t block : {1000, 37, 9999}) {
    GaussianStatistics streamed;
    for (int64_t first = 0; first < samples.size(0); first += block) {
      streamed.add(samples.narrow(0, first, std::min(block, samples.size(0) - first)));
    }
    expect_equal(streamed, gaussian_statistics(samples));
  }
}

TEST(GaussianStatistics, OfMergedPartsAreThoseOfTheWhole) {
  for (const int64_t d : {3, 64}) {  // more and fewer samples than dimensions
    const at::Tensor samples = normal_samples(50, d, 3) + 5.0;
    GaussianStatistics left = gaussian_statistics(samples.narrow(0, 0, 13));
    const GaussianStatistics right = gaussian_statistics(samples.narrow(0, 13, 37));
    GaussianStatistics reversed = right;
    reversed.merge(left);
    left.merge(right);
    expect_equal(left, gaussian_statistics(samples));
    expect_equal(reversed, gaussian_statistics(samples));
  }
}

TEST(GaussianStatistics, DoNotDependOnTheOrderOfSamples) {
  const at::Tensor samples = normal_samples(200, 9, 4);
  expect_equal(gaussian_statistics(samples.flip(0)), gaussian_statistics(samples));
}

TEST(GaussianStatistics, KeepSmallSpreadsFarFromTheOrigin) {
  const at::Tensor samples = normal_samples(1000, 4, 5);
  const at::Tensor shifted = gaussian_statistics(samples * 1e-3 + 1e6).covariance() * 1e6;
  EXPECT_LT((shifted - at::cov(samples.t())).abs().max().item<double>(), 1e-6);
}

TEST(GaussianStatistics, RankIsThatOfTheCentredSamples) {
  EXPECT_EQ(gaussian_statistics(normal_samples(100, 8, 6)).rank(), 8);
  EXPECT_EQ(gaussian_statistics(normal_samples(5, 8, 6) + 100.0).rank(), 4);
  EXPECT_EQ(
      gaussian_statistics(at::matmul(normal_samples(100, 3, 6), normal_samples(3, 8, 7))).rank(),
      3);
  EXPECT_EQ(gaussian_statistics(at::full({50, 8}, 0.1, at::kDouble)).rank(), 0);
}

TEST(GaussianStatistics, RankStaysUnderMerging) {
  const at::Tensor samples = normal_samples(6, 32, 8);
  GaussianStatistics streamed;
  for (int64_t i = 0; i < 6; ++i) streamed.add(samples.narrow(0, i, 1));
  EXPECT_EQ(streamed.rank(), 5);
  EXPECT_LE(streamed.root.size(0), 32);
}

TEST(GaussianStatistics, RefuseOtherDimensionsAndTooFewSamples) {
  GaussianStatistics statistics = gaussian_statistics(normal_samples(1, 4, 9));
  EXPECT_THROW(statistics.covariance(), Error);
  EXPECT_THROW(statistics.rank(), Error);
  EXPECT_THROW(statistics.add(normal_samples(3, 5, 9)), Error);
  EXPECT_THROW(statistics.add(at::zeros({4}, at::kDouble)), Error);
}

}  // namespace
}  // namespace cocola
