#include "eval/degradation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/philox.h"
#include "support/sound_file.h"

namespace cocola {
namespace {

constexpr int64_t kRate = 16000, kLength = 32000;

std::vector<float> tone_of(double hz) {
  return testing::tone(kLength, hz / static_cast<double>(kRate), 0.5);
}

std::vector<float> noise() {
  PhiloxStream draws(1, DrawPurpose::noise, 0, 0, 0);
  std::vector<float> samples(static_cast<size_t>(kLength));
  for (float& sample : samples) sample = 0.1f * draws.next_normal();
  return samples;
}

double rms(const std::vector<float>& samples) {
  const double power = std::inner_product(samples.begin(), samples.end(), samples.begin(), 0.0);
  return std::sqrt(power / static_cast<double>(samples.size()));
}

// Magnitude of the middle half at one frequency, of a tone's amplitude.
double amplitude_at(const std::vector<float>& samples, double hz) {
  double real = 0.0, imaginary = 0.0, sum = 0.0;
  const size_t first = samples.size() / 4, count = samples.size() / 2;
  for (size_t i = 0; i < count; ++i) {
    const double taper =
        1.0 - std::cos(6.283185307179586 * static_cast<double>(i) / static_cast<double>(count));
    const double phase =
        6.283185307179586 * hz * static_cast<double>(i) / static_cast<double>(kRate);
    real += taper * samples[first + i] * std::cos(phase);
    imaginary += taper * samples[first + i] * std::sin(phase);
    sum += taper;
  }
  return 2.0 * std::hypot(real, imaginary) / sum;
}

// The loudest frequency within 20 Hz.
double peak_near(const std::vector<float>& samples, double expected_hz) {
  double best_hz = 0.0, largest = 0.0;
  for (double hz = expected_hz - 20.0; hz <= expected_hz + 20.0; hz += 0.5) {
    const double amplitude = amplitude_at(samples, hz);
    if (amplitude > largest) {
      largest = amplitude;
      best_hz = hz;
    }
  }
  return best_hz;
}

TEST(Degradation, ZeroStrengthIsIdentity) {
  const std::vector<float> samples = noise();
  for (const DamageKind& kind : damage_kinds()) {
    if (kind.damage == Damage::wrong_song) continue;
    EXPECT_EQ(damaged(samples, kind.damage, 0.0, kRate), samples) << kind.name;
  }
}

TEST(Degradation, EveryStrengthKeepsTheLengthAndChangesTheSound) {
  std::vector<float> samples = noise();
  samples.resize(8001);
  for (const DamageKind& kind : damage_kinds()) {
    EXPECT_TRUE(std::is_sorted(kind.strengths.begin(), kind.strengths.end()));
    EXPECT_GT(kind.strengths.front(), 0.0);
    if (kind.damage == Damage::wrong_song) {
      EXPECT_THROW(damaged(samples, kind.damage, 0.5, kRate), Error);
      continue;
    }
    for (const double strength : kind.strengths) {
      const std::vector<float> result = damaged(samples, kind.damage, strength, kRate);
      EXPECT_EQ(result.size(), samples.size()) << kind.name << strength;
      EXPECT_NE(result, samples) << kind.name << strength;
      EXPECT_TRUE(std::all_of(result.begin(), result.end(),
                              [](float x) { return std::isfinite(x) && std::fabs(x) < 2.0f; }));
    }
  }
}

TEST(Degradation, AShiftMovesEverySampleAndLosesNone) {
  std::vector<float> samples(1000);
  std::iota(samples.begin(), samples.end(), 0.0f);
  const std::vector<float> later = shift_in_time(samples, 10.0, kRate);
  EXPECT_EQ(later[160], 0.0f);
  EXPECT_EQ(later[999], 839.0f);
  EXPECT_EQ(later[0], 840.0f);
  EXPECT_EQ(shift_in_time(later, -10.0, kRate), samples);
  EXPECT_EQ(shift_in_time(samples, 62.5, kRate), samples);  // once around
}

TEST(Degradation, AnOctaveUpDoublesTheFrequencyOfAToneAtEqualLengthAndLoudness) {
  const std::vector<float> higher = shift_pitch(tone_of(440), 12, kRate);
  EXPECT_EQ(higher.size(), static_cast<size_t>(kLength));
  EXPECT_NEAR(peak_near(higher, 880), 880, 0.5);
  EXPECT_NEAR(amplitude_at(higher, 880), 0.5, 0.1);  // a plain vocoder loses some
  EXPECT_LT(amplitude_at(higher, 440), 0.005);
  EXPECT_NEAR(peak_near(shift_pitch(tone_of(440), -12, kRate), 220), 220, 0.5);
}

TEST(Degradation, CentsShiftAToneByHundredthsOfASemitone) {
  const std::vector<float> higher = damaged(tone_of(1000), Damage::detune, 50, kRate);
  const double expected_hz = 1000 * std::exp2(50 / 1200.0);
  EXPECT_NEAR(peak_near(higher, expected_hz), expected_hz, 0.5);
}

TEST(Degradation, AStretchKeepsThePitchAndMovesWhatHappens) {
  const std::vector<float> slower = stretch_in_time(tone_of(440), 1.2, kRate);
  EXPECT_NEAR(peak_near(slower, 440), 440, 0.5);
  EXPECT_NEAR(amplitude_at(slower, 440), 0.5, 0.1);
  // A burst at 1 s lies at 1.2 s, and at 0.8 s where all is faster.
  std::vector<float> burst(static_cast<size_t>(kLength), 0.0f);
  const std::vector<float> sound = tone_of(700);
  std::copy_n(sound.begin(), 1600, burst.begin() + 15200);
  for (const double factor : {1.2, 0.8}) {
    const std::vector<float> moved = stretch_in_time(burst, factor, kRate);
    double power = 0.0, moment = 0.0;
    for (size_t i = 0; i < moved.size(); ++i) {
      const double p = static_cast<double>(moved[i]) * static_cast<double>(moved[i]);
      power += p;
      moment += p * static_cast<double>(i);
    }
    EXPECT_NEAR(moment / power, 16000 * factor, 200);
  }
}

TEST(Degradation, DecibelsLowerTheLoudness) {
  const std::vector<float> samples = noise();
  EXPECT_NEAR(20 * std::log10(rms(attenuate(samples, 24)) / rms(samples)), -24, 1e-4);
}

TEST(Degradation, FactorsBeyondTwoOctavesAreRefused) {
  const std::vector<float> samples = tone_of(440);
  EXPECT_THROW(stretch_in_time(samples, 5, kRate), Error);
  EXPECT_THROW(stretch_in_time(samples, std::nan(""), kRate), Error);
  EXPECT_THROW(shift_pitch(samples, 25, kRate), Error);
  EXPECT_TRUE(shift_pitch({}, 5, kRate).empty());
}

}  // namespace
}  // namespace cocola
