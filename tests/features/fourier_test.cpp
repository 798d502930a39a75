#include "features/fourier.h"

#include <algorithm>
#include <complex>

#include "base/philox.h"
#include "features/front_end_support.h"

namespace cocola {
namespace {

class Fourier : public testing::EverySimdLevel {};

std::vector<double> noise(int64_t n, uint64_t which) {
  PhiloxStream draws(7, DrawPurpose::noise, 0, static_cast<uint64_t>(n), which);
  std::vector<double> x(static_cast<size_t>(n));
  for (double& value : x) value = static_cast<double>(draws.next_below(2001)) / 1000 - 1;
  return x;
}

// |sum of x[m] e^(-2 pi i k m / n)|: the definition.
double magnitude_by_sum(const std::vector<double>& x, int64_t k) {
  const auto n = static_cast<int64_t>(x.size());
  std::complex<double> sum = 0;
  for (int64_t m = 0; m < n; ++m) {
    const double turn = static_cast<double>(k * m % n) / static_cast<double>(n);
    sum += x[static_cast<size_t>(m)] * std::polar(1.0, -2 * M_PI * turn);
  }
  return std::abs(sum);
}

// Sizes with factors 4, 2, odd primes, and with one large prime.
TEST_P(Fourier, MagnitudesEqualTheDefinitionForEveryEvenSize) {
  for (const int64_t n : {2, 4, 6, 8, 64, 66, 90, 254, 300, 512, 1024}) {
    RealFourier fourier(n, simd_kernels(GetParam()));
    const int64_t lanes = fourier.num_lanes();
    std::vector<double> samples(static_cast<size_t>(n * lanes));
    for (int64_t l = 0; l < lanes; ++l) {
      const std::vector<double> x = noise(n, static_cast<uint64_t>(l));
      for (int64_t m = 0; m < n; ++m)
        samples[static_cast<size_t>(m * lanes + l)] = x[static_cast<size_t>(m)];
    }
    std::vector<float> bins(static_cast<size_t>(fourier.num_bins() * lanes));
    fourier.magnitude(samples.data(), bins.data());
    for (int64_t l = 0; l < lanes; ++l) {
      const std::vector<double> x = noise(n, static_cast<uint64_t>(l));
      for (int64_t k = 0; k <= n / 2; ++k) {
        const double expected = magnitude_by_sum(x, k);
        EXPECT_NEAR(bins[static_cast<size_t>(k * lanes + l)], expected, 1e-7 * (1 + expected))
            << n << " points, bin " << k << ", lane " << l;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, Fourier, testing::kLevels, testing::level_name);

}  // namespace
}  // namespace cocola
