#include "metrics/frechet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logspace.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "metrics/sample_sets.h"

namespace cocola {
namespace {

using testing::normal_samples;
using testing::rotation;
using testing::wave_samples;

constexpr double kRelative = 1e-9;

// A Gaussian whose covariance has these eigenvalues along the columns of `axes`.
GaussianStatistics gaussian(const at::Tensor& mean, const at::Tensor& eigenvalues,
                            const at::Tensor& axes) {
  return {11, mean, (10.0 * eigenvalues).sqrt().unsqueeze(1) * axes.t()};
}

double frechet_of(const at::Tensor& x, const at::Tensor& y) {
  return frechet_distance(gaussian_statistics(x), gaussian_statistics(y)).value;
}

void expect_close(double value, double expected) {
  EXPECT_NEAR(value, expected, kRelative * std::abs(expected));
}

TEST(Frechet, OfDiagonalGaussiansIsTheGapOfMeansAndDeviations) {
  const at::Tensor mean = at::tensor({1.0, 2.0, 3.0}, at::kDouble);
  const at::Tensor a = at::tensor({4.0, 1e-8, 9.0}, at::kDouble);
  const at::Tensor b = at::tensor({1.0, 4e-8, 0.0}, at::kDouble);
  const at::Tensor axes = at::eye(3, at::kDouble);
  const FrechetDistance distance =
      frechet_distance(gaussian(mean, a, axes), gaussian(at::zeros({3}, at::kDouble), b, axes));
  expect_close(distance.of_means, 14.0);
  expect_close(distance.of_covariances, 1.0 + 1e-8 + 9.0);
  expect_close(distance.value, 24.0 + 1e-8);
}

TEST(Frechet, OfCommutingCovariancesIsTheGapOfTheirRoots) {
  const int64_t d = 24;
  const at::Tensor a = at::logspace(-6, 2, d, 10.0, at::kDouble);
  const at::Tensor b = a.flip(0);
  const at::Tensor axes = rotation(d, 1), zero = at::zeros({d}, at::kDouble);
  const double value = frechet_distance(gaussian(zero, a, axes), gaussian(zero, b, axes)).value;
  expect_close(value, (a.sqrt() - b.sqrt()).square().sum().item<double>());
}

TEST(Frechet, OfTurnedPlanesHasItsClosedForm) {
  // For 2 x 2 matrices tr (A B)^{1/2} = sqrt(tr AB + 2 sqrt(det A det B)).
  const double angle = 0.7, cosine = std::cos(angle), sine = std::sin(angle);
  const at::Tensor turn = at::tensor({cosine, -sine, sine, cosine}, at::kDouble).reshape({2, 2});
  const at::Tensor a = at::tensor({4.0, 1.0}, at::kDouble),
                   b = at::tensor({9.0, 0.25}, at::kDouble);
  const at::Tensor zero = at::zeros({2}, at::kDouble);
  const double value =
      frechet_distance(gaussian(zero, a, at::eye(2, at::kDouble)), gaussian(zero, b, turn)).value;
  const double product_trace = cosine * cosine * (4.0 * 9.0 + 0.25) + sine * sine * (1.0 + 9.0);
  expect_close(value, 5.0 + 9.25 - 2.0 * std::sqrt(product_trace + 2.0 * 2.0 * 1.5));
}

TEST(Frechet, OfAShiftIsItsSquaredLength) {
  const at::Tensor samples = normal_samples(100, 6, 2);
  expect_close(frechet_of(samples, samples + 0.5), 6 * 0.25);
}

TEST(Frechet, OfEqualSetsIsZero) {
  for (const int64_t n : {5, 300}) {
    const at::Tensor samples = normal_samples(n, 40, 3) + 10.0;
    EXPECT_LT(frechet_of(samples, samples.flip(0)), 1e-24);
  }
}

TEST(Frechet, OfNearSetsKeepsItsDigits) {
  const at::Tensor samples = normal_samples(100, 6, 4);
  const double trace = gaussian_statistics(samples).covariance().trace().item<double>();
  const double value =
      frechet_distance(gaussian_statistics(samples), gaussian_statistics(samples * (1.0 + 1e-6)))
          .of_covariances;
  EXPECT_NEAR(value, 1e-12 * trace, 1e-6 * 1e-12 * trace);
}

TEST(Frechet, AgreesWithKnownAnswers) {
  const double a =
      frechet_of(wave_samples(50, 8, 0.37, 0.1, 0), wave_samples(60, 8, 0.53, 0.7, 0.2));
  EXPECT_NEAR(a, 0.1919604970, 1e-10);
  // Fewer samples than dimensions.
  const double b =
      frechet_of(wave_samples(5, 16, 0.37, 0.1, 0), wave_samples(40, 16, 0.53, 0.7, 0.2));
  EXPECT_NEAR(b, 9.9607267303, 1e-9);
}

TEST(Frechet, IsSymmetricAndBlindToRotations) {
  for (const int64_t n : {4, 200}) {
    const at::Tensor x = normal_samples(n, 12, 5), y = 2.0 * normal_samples(30, 12, 6) + 1.0;
    const double value = frechet_of(x, y);
    expect_close(frechet_of(y, x), value);
    const at::Tensor turn = rotation(12, 7);
    expect_close(frechet_of(at::matmul(x, turn), at::matmul(y, turn)), value);
    expect_close(frechet_of(x.flip(0), y.roll(3, 0)), value);
  }
}

TEST(Frechet, IgnoresDimensionsThatAreConstantInBoth) {
  const at::Tensor x = normal_samples(50, 4, 8), y = normal_samples(60, 4, 9) * 1.5;
  const auto widened = [](const at::Tensor& samples) {
    return at::cat({samples, at::full({samples.size(0), 20}, 0.3, at::kDouble)}, 1);
  };
  expect_close(frechet_of(widened(x), widened(y)), frechet_of(x, y));
}

TEST(Frechet, OfConstantSetsIsTheGapOfTheirValues) {
  const at::Tensor x = at::full({10, 3}, 2.0, at::kDouble), y = at::full({4, 3}, 1.0, at::kDouble);
  expect_close(frechet_of(x, y), 3.0);
}

TEST(Frechet, RefusesWhatHasNoDistance) {
  const GaussianStatistics two = gaussian_statistics(normal_samples(2, 3, 1));
  EXPECT_THROW(frechet_distance(two, gaussian_statistics(normal_samples(1, 3, 1))), Error);
  EXPECT_THROW(frechet_distance(two, gaussian_statistics(normal_samples(2, 4, 1))), Error);
  EXPECT_THROW(frechet_distance(two, gaussian_statistics(normal_samples(2, 3, 1) * 1e300)), Error);
}

TEST(FrechetLimit, EndsWithTheWholeSetAndFitsItsPoints) {
  const GaussianStatistics reference = gaussian_statistics(normal_samples(1000, 6, 10));
  const at::Tensor samples = normal_samples(1203, 6, 11) * 1.2;
  const FrechetLimit limit = frechet_limit(reference, samples, 1);
  ASSERT_EQ(limit.points.size(), 25u);
  EXPECT_EQ(limit.points.front().num_samples, 500);
  EXPECT_EQ(limit.points.back().num_samples, 1203);
  expect_close(limit.points.back().value,
               frechet_distance(reference, gaussian_statistics(samples)).value);
  // Residuals of a least-squares line sum to zero, alone and weighted with 1 / n.
  double sum = 0.0, weighted = 0.0;
  for (const FrechetPoint& point : limit.points) {
    const double x = 1.0 / static_cast<double>(point.num_samples);
    const double residual = point.value - limit.limit - limit.slope * x;
    sum += residual;
    weighted += residual * x;
  }
  EXPECT_NEAR(sum, 0.0, 1e-12);
  EXPECT_NEAR(weighted, 0.0, 1e-12);
}

TEST(FrechetLimit, RemovesMostOfTheBiasOfSmallSets) {
  // Both sets are of one law, so the true distance is 0.
  const int64_t d = 32;
  const GaussianStatistics reference = gaussian_statistics(normal_samples(20000, d, 12));
  const at::Tensor samples = normal_samples(2000, d, 13);
  const double biased = frechet_distance(reference, gaussian_statistics(samples)).value;
  const FrechetLimit limit = frechet_limit(reference, samples, 1);
  EXPECT_LT(std::abs(limit.limit), 0.2 * biased);
  EXPECT_GT(limit.slope, 0.0);
  EXPECT_GT(limit.r_squared.value(), 0.9);
}

TEST(FrechetLimit, IsDecidedByItsSeed) {
  const GaussianStatistics reference = gaussian_statistics(normal_samples(100, 4, 14));
  const at::Tensor samples = normal_samples(900, 4, 15);
  const double first = frechet_limit(reference, samples, 1).limit;
  EXPECT_EQ(frechet_limit(reference, samples, 1).limit, first);
  EXPECT_NE(frechet_limit(reference, samples, 2).limit, first);
}

TEST(FrechetLimit, RefusesSetsItCannotExtrapolate) {
  const GaussianStatistics reference = gaussian_statistics(normal_samples(100, 4, 14));
  EXPECT_THROW(frechet_limit(reference, normal_samples(500, 4, 1), 1), Error);
  const FrechetLimit constant = frechet_limit(reference, at::zeros({600, 4}, at::kDouble), 1);
  EXPECT_FALSE(constant.r_squared.has_value());
  expect_close(constant.limit, constant.points.front().value);
}

}  // namespace
}  // namespace cocola
