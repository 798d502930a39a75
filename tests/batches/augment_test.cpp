#include "batches/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/philox.h"

namespace cocola {
namespace {

std::vector<float> noise(uint64_t seed, int64_t epoch, int64_t window, size_t length = 100'000) {
  std::vector<float> waveform(length, 0.0f);
  add_noise(waveform, 1.0, seed, epoch, window);
  return waveform;
}

TEST(Noise, IsAFunctionOfSeedEpochAndWindow) {
  const auto base = noise(1, 2, 3);
  EXPECT_EQ(noise(1, 2, 3), base);
  EXPECT_NE(noise(2, 2, 3), base);
  EXPECT_NE(noise(1, 3, 3), base);
  EXPECT_NE(noise(1, 2, 4), base);
}

TEST(Noise, ASampleDoesNotDependOnTheLengthOfTheWaveform) {
  const auto whole = noise(1, 2, 3);
  for (const size_t length : {1u, 2u, 7u, 1001u}) {
    const auto part = noise(1, 2, 3, length);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin())) << length;
  }
}

// Lanes of 64 blocks: the cosines, then the sines of words 0 and 1, then those of words 2 and 3.
TEST(Noise, IsTheBoxMullerTransformOfPhilox) {
  const uint64_t seed = 0x123456789abcdef0u;
  const auto draws = noise(seed, 2, 3, 10'000);
  for (size_t i = 0; i < draws.size(); ++i) {
    const auto block = static_cast<uint32_t>(i / 256 * 64 + i % 64);
    const size_t quarter = i % 256 / 64;
    const PhiloxBlock words = philox4x32_10(
        {block, static_cast<uint32_t>(DrawPurpose::noise) << 24, 3, 2}, {0x9abcdef0u, 0x12345678u});
    const double u = (static_cast<double>(words[quarter / 2 * 2] >> 8) + 1.0) * 0x1p-24;
    const uint32_t angle_word = words[quarter / 2 * 2 + 1];
    const double within = static_cast<double>((angle_word & 0x3fffffffu) >> 6) * 0x1p-24 - 0.5;
    const double angle = (within + static_cast<double>(angle_word >> 30)) * std::acos(-1.0) / 2;
    const double radius = std::sqrt(-2.0 * std::log(u));
    EXPECT_NEAR(draws[i], radius * (quarter % 2 == 0 ? std::cos(angle) : std::sin(angle)), 3e-6);
  }
}

// Tolerances are four standard errors of 100,000 draws.
TEST(Noise, IsStandardNormal) {
  const auto draws = noise(1, 2, 3);
  double mean = 0.0, square = 0.0, fourth = 0.0, neighbours = 0.0;
  size_t beyond_three = 0;
  for (size_t i = 0; i < draws.size(); ++i) {
    const double x = static_cast<double>(draws[i]);
    ASSERT_TRUE(std::isfinite(x));
    mean += x;
    square += x * x;
    fourth += x * x * x * x;
    if (i > 0) neighbours += x * static_cast<double>(draws[i - 1]);
    if (std::abs(x) > 3.0) ++beyond_three;
  }
  const auto n = static_cast<double>(draws.size());
  EXPECT_NEAR(mean / n, 0.0, 4.0 / std::sqrt(n));
  EXPECT_NEAR(square / n, 1.0, 4.0 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourth / n, 3.0, 4.0 * std::sqrt(96.0 / n));
  EXPECT_NEAR(neighbours / n, 0.0, 4.0 / std::sqrt(n));
  EXPECT_NEAR(static_cast<double>(beyond_three), 0.0027 * n, 4.0 * std::sqrt(0.0027 * n));
}

TEST(Noise, ScalesWithItsDeviationAndVanishesAtZero) {
  const auto draws = noise(1, 2, 3, 1000);
  std::vector<float> waveform(1000, 0.25f);
  add_noise(waveform, 0.0, 1, 2, 3);
  EXPECT_EQ(waveform, std::vector<float>(1000, 0.25f));
  add_noise(waveform, 1e-3, 1, 2, 3);
  for (size_t i = 0; i < waveform.size(); ++i) {
    EXPECT_NEAR(waveform[i], 0.25f + 1e-3f * draws[i], 1e-7);
  }
}

TEST(ChannelMasks, AreDrawnAsOftenAsAsked) {
  const AugmentConfig two_thirds{.mask_probability = 2.0 / 3.0};
  int count[3] = {};
  for (int64_t window = 0; window < 30'000; ++window) {
    const auto masks = draw_channel_masks(two_thirds, 9, 4, window);
    EXPECT_EQ(masks[0], masks[1]);
    ++count[static_cast<int>(masks[0])];
  }
  for (const int found : count) EXPECT_NEAR(found, 10'000, 4 * std::sqrt(30'000 * 2.0 / 9.0));
  for (const MaskViews views : {MaskViews::same, MaskViews::independent}) {
    for (int64_t window = 0; window < 1000; ++window) {
      for (const ChannelMask mask :
           draw_channel_masks({.mask_probability = 0.0, .mask_views = views}, 9, 4, window)) {
        EXPECT_EQ(mask, ChannelMask::none);
      }
      for (const ChannelMask mask :
           draw_channel_masks({.mask_probability = 1.0, .mask_views = views}, 9, 4, window)) {
        EXPECT_NE(mask, ChannelMask::none);
      }
      const AugmentConfig half{.mask_probability = 0.5, .mask_views = views};
      EXPECT_EQ(draw_channel_masks(half, 9, 4, window), draw_channel_masks(half, 9, 4, window));
    }
  }
}

TEST(ChannelMasks, OfTwoViewsAreIndependentWhenAskedFor) {
  const AugmentConfig config{.mask_probability = 2.0 / 3.0, .mask_views = MaskViews::independent};
  int count[3][3] = {};
  for (int64_t window = 0; window < 36'000; ++window) {
    const auto [anchor, positive] = draw_channel_masks(config, 9, 4, window);
    ++count[static_cast<int>(anchor)][static_cast<int>(positive)];
  }
  for (const auto& row : count) {
    for (const int found : row) EXPECT_NEAR(found, 4'000, 4 * std::sqrt(36'000 * 8.0 / 81.0));
  }
}

TEST(ChannelMasks, HideExactlyOneChannel) {
  const FeatureShape shape{.channels = 2, .mel_bins = 3, .frames = 4};
  const std::vector<float> features(24, -7.0f);
  for (const ChannelMask mask :
       {ChannelMask::none, ChannelMask::harmonic, ChannelMask::percussive}) {
    std::vector<float> masked = features;
    hide_channel(mask, masked, shape);
    for (size_t i = 0; i < 24; ++i) {
      const ChannelMask hidden = i < 12 ? ChannelMask::harmonic : ChannelMask::percussive;
      EXPECT_EQ(masked[i], mask == hidden ? kMaskedDb : -7.0f) << i;
    }
  }
}

TEST(ChannelMasks, NeedTheTwoChannelsOfHps) {
  std::vector<float> features(12, 0.0f);
  const FeatureShape mel{.channels = 1, .mel_bins = 3, .frames = 4};
  EXPECT_THROW(hide_channel(ChannelMask::harmonic, features, mel), Error);
  const FeatureShape hps{.channels = 2, .mel_bins = 3, .frames = 4};
  EXPECT_THROW(hide_channel(ChannelMask::harmonic, features, hps), Error);
}

TEST(AugmentConfig, RefusesValuesOutsideItsRanges) {
  AugmentConfig().validate();
  for (const double bad : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW((AugmentConfig{.noise_std = bad, .mask_probability = 0.5}.validate()), Error);
    EXPECT_THROW((AugmentConfig{.noise_std = 0.1, .mask_probability = bad}.validate()), Error);
  }
}

}  // namespace
}  // namespace cocola
