#include "batches/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/philox.h"

namespace cocola {
namespace {

TEST(PermutedIndex, IsABijectionForEveryNUpToTwoThousand) {
  for (int64_t n = 1; n <= 2000; ++n) {
    std::vector<bool> seen(static_cast<size_t>(n), false);
    for (int64_t position = 0; position < n; ++position) {
      const int64_t image = permuted_index(position, n, 42, n % 7);
      ASSERT_GE(image, 0);
      ASSERT_LT(image, n);
      ASSERT_FALSE(seen[static_cast<size_t>(image)]) << "n " << n << ", position " << position;
      seen[static_cast<size_t>(image)] = true;
    }
  }
}

TEST(PermutedIndex, NeverRepeatsForLargeN) {
  PhiloxStream random(3, DrawPurpose::bootstrap, 0, 0, 0);
  for (int round = 0; round < 20; ++round) {
    const int64_t n = 1'000'000 + random.next_below(4'000'000'000u);
    const int64_t first = random.next_below(static_cast<uint32_t>(n - 5000));
    std::set<int64_t> images;
    for (int64_t position = first; position < first + 5000; ++position) {
      const int64_t image = permuted_index(position, n, 1, 0);
      ASSERT_GE(image, 0);
      ASSERT_LT(image, n);
      images.insert(image);
    }
    EXPECT_EQ(images.size(), 5000u) << "n " << n;
  }
}

TEST(PermutedIndex, DependsOnSeedAndEpoch) {
  const auto order = [](uint64_t seed, int64_t epoch) {
    std::vector<int64_t> images;
    for (int64_t i = 0; i < 1000; ++i) images.push_back(permuted_index(i, 1000, seed, epoch));
    return images;
  };
  EXPECT_EQ(order(1, 0), order(1, 0));
  EXPECT_NE(order(1, 0), order(1, 1));
  EXPECT_NE(order(1, 0), order(2, 0));
  EXPECT_NE(order(1, 0), order(1 + (uint64_t{1} << 40), 0));
}

// Chi-square of the joint place of two windows over 4,000 seeds: 90 cells, 89 degrees of freedom;
// 146 is exceeded once in 10,000 trials. Four rounds instead of eight give about 270.
TEST(PermutedIndex, PlacesTwoWindowsIndependently) {
  constexpr int64_t kN = 10;
  constexpr uint64_t kSeeds = 4000;
  std::vector<double> count(kN * kN, 0.0);
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const int64_t a = permuted_index(0, kN, seed, 0), b = permuted_index(1, kN, seed, 0);
    count[static_cast<size_t>(a * kN + b)] += 1.0;
  }
  const double expected = static_cast<double>(kSeeds) / (kN * (kN - 1));
  double chi_square = 0.0;
  for (int64_t a = 0; a < kN; ++a) {
    for (int64_t b = 0; b < kN; ++b) {
      const double found = count[static_cast<size_t>(a * kN + b)];
      if (a != b) chi_square += (found - expected) * (found - expected) / expected;
    }
  }
  EXPECT_LT(chi_square, 146.0);
}

TEST(PermutedIndex, RefusesWhatItCannotPermute) {
  EXPECT_THROW(permuted_index(0, 0, 1, 0), Error);
  EXPECT_THROW(permuted_index(0, int64_t{1} << 32, 1, 0), Error);
  EXPECT_THROW(permuted_index(7, 7, 1, 0), Error);
  EXPECT_THROW(permuted_index(-1, 7, 1, 0), Error);
  EXPECT_LT(permuted_index(0, (int64_t{1} << 32) - 1, 1, 0), int64_t{1} << 32);
}

constexpr Sampler kSampler{.num_windows = 1003, .pairs_per_step = 48, .seed = 5};

std::vector<int64_t> step_of_world(const Sampler& sampler, int64_t step, int64_t world_size) {
  std::vector<int64_t> windows;
  for (int64_t rank = 0; rank < world_size; ++rank) {
    const auto slice = sampler.windows_of(step, rank, world_size);
    windows.insert(windows.end(), slice.begin(), slice.end());
  }
  return windows;
}

TEST(Sampler, EveryWindowAtMostOncePerEpochForAnyWorld) {
  ASSERT_EQ(kSampler.steps_per_epoch(), 20);
  for (const int64_t world_size : {1, 2, 4, 8}) {
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      std::set<int64_t> seen;
      for (int64_t step = epoch * 20; step < (epoch + 1) * 20; ++step) {
        EXPECT_EQ(kSampler.epoch_of(step), epoch);
        for (const int64_t window : step_of_world(kSampler, step, world_size)) {
          EXPECT_TRUE(seen.insert(window).second);
          EXPECT_GE(window, 0);
          EXPECT_LT(window, 1003);
        }
      }
      EXPECT_EQ(seen.size(), 20u * 48u);
    }
  }
}

TEST(Sampler, TheGlobalOrderIsTheSameOnEveryWorldSize) {
  for (const int64_t step : {0, 1, 19, 20, 21, 1'000'000'007}) {
    const auto alone = kSampler.windows_of(step, 0, 1);
    for (const int64_t world_size : {2, 4, 8}) {
      EXPECT_EQ(step_of_world(kSampler, step, world_size), alone) << step;
    }
  }
}

TEST(Sampler, EpochsDifferInOrder) {
  EXPECT_NE(kSampler.windows_of(0, 0, 1), kSampler.windows_of(20, 0, 1));
}

TEST(Sampler, RefusesBatchesThatCannotBe) {
  kSampler.validate();
  EXPECT_THROW((Sampler{.num_windows = 7, .pairs_per_step = 8, .seed = 0}.validate()), Error);
  EXPECT_THROW((Sampler{.num_windows = 7, .pairs_per_step = 0, .seed = 0}.validate()), Error);
  EXPECT_THROW(kSampler.windows_of(0, 0, 5), Error);
}

}  // namespace
}  // namespace cocola
