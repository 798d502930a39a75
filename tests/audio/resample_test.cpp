#include "audio/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "support/golden.h"
#include "support/measured.h"
#include "support/sound_file.h"

namespace cocola {
namespace {

std::vector<float> noise(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> samples(n);
  for (float& x : samples) x = static_cast<float>(random()) / 4294967296.0f - 0.5f;
  return samples;
}

std::vector<float> values_of(const SafetensorsFile& file, const std::string& name) {
  const at::Tensor tensor = file.get(name);
  const float* const values = tensor.const_data_ptr<float>();
  return {values, values + tensor.numel()};
}

// Output number `output` for a unit impulse at input number `input`: one tap.
float tap(int64_t from_hz, int64_t to_hz, size_t input, size_t output) {
  std::vector<float> impulse(2000, 0.0f);
  impulse[input] = 1.0f;
  return resample(impulse, from_hz, to_hz).at(output);
}

TEST(Resample, EqualsTheReferenceAtEveryRate) {
  const SafetensorsFile file = testing::golden("resample");
  for (const int64_t rate : {44100, 48000, 22050, 32000, 8000}) {
    const std::vector<float> input = values_of(file, fmt::format("from_{}.input", rate));
    const std::vector<float> expected = values_of(file, fmt::format("from_{}.output", rate));
    const std::vector<float> output = resample(input, rate, 16000);
    ASSERT_EQ(output.size(), expected.size()) << rate;
    float largest = 0.0f, error = 0.0f;
    for (size_t i = 0; i < output.size(); ++i) {
      largest = std::max(largest, std::abs(expected[i]));
      error = std::max(error, std::abs(output[i] - expected[i]));
    }
    EXPECT_LE(testing::measured("resampler", static_cast<double>(error / largest), 1e-5), 1e-5)
        << rate;
  }
}

TEST(Resample, HasTheTapsOfTheWindowedSinc) {
  // Phase, then input sample relative to the phase's base. Places in single precision cost 5e-7.
  EXPECT_NEAR(tap(44100, 16000, 441, 160), 0.35918367f, 1e-6f);        // 0, 0
  EXPECT_NEAR(tap(44100, 16000, 440, 160), 0.28513073f, 1e-6f);        // 0, -1
  EXPECT_NEAR(tap(44100, 16000, 441 + 220, 240), 0.33967641f, 1e-6f);  // 80, 220
}

TEST(Resample, EveryPhaseHasTheSameGainForAConstant) {
  const std::vector<float> output = resample(std::vector<float>(4410, 1.0f), 44100, 16000);
  for (size_t i = 160; i < 1440; ++i) {
    EXPECT_GT(output[i], 1.00046f - 3e-6f) << i;
    EXPECT_LT(output[i], 1.00047f + 3e-6f) << i;
  }
}

TEST(Resample, LengthIsTheInputsTimesTheRatioRoundedUp) {
  struct Case {
    int64_t from_hz, to_hz;
  };
  for (const auto& [from, to] : {Case{44100, 16000}, Case{48000, 16000}, Case{8000, 16000},
                                 Case{16000, 44100}, Case{16000, 16000}, Case{7, 5}}) {
    for (const int64_t n : {0, 1, 2, 3, 440, 441, 442, 1000}) {
      const std::vector<float> input = noise(static_cast<size_t>(n), 1);
      const int64_t expected = (n * to + from - 1) / from;
      EXPECT_EQ(static_cast<int64_t>(resample(input, from, to).size()), expected)
          << from << " -> " << to << ", n = " << n;
    }
  }
}

TEST(Resample, ResultDoesNotDependOnHowTheInputWasCut) {
  std::mt19937 random(7);
  for (const int64_t from_hz : {44100, 48000, 22050, 8000, 16000, 192000}) {
    const std::vector<float> input = noise(20000, 3);
    const std::vector<float> whole = resample(input, from_hz, 16000);
    for (const size_t largest : {size_t{1}, size_t{37}, size_t{9000}}) {
      Resampler resampler(from_hz, 16000);
      std::vector<float> output;
      for (size_t done = 0; done < input.size();) {
        const size_t n = std::min<size_t>(random() % (largest + 1), input.size() - done);
        resampler.push(std::span(input).subspan(done, n), output);
        done += n;
      }
      resampler.finish(output);
      EXPECT_EQ(output, whole) << from_hz << " Hz in blocks of at most " << largest;
    }
  }
}

TEST(Resample, EmitsWhatIsDecidedWithoutWaitingForTheEnd) {
  Resampler resampler(44100, 16000);
  std::vector<float> output;
  resampler.push(noise(44100, 5), output);
  EXPECT_GE(output.size(), size_t{15980});
  EXPECT_LE(output.size(), size_t{16000});
}

TEST(Resample, KeepsATonesFrequencyAndLevel) {
  const std::vector<float> expected = testing::tone(16000, 440.0 / 16000, 0.5);
  const std::vector<float> output =
      resample(testing::tone(44100, 440.0 / 44100, 0.5), 44100, 16000);
  for (size_t i = 100; i < 15900; ++i) EXPECT_NEAR(output[i], expected[i], 1e-3f);
}

TEST(Resample, SilencesWhatTheNewRateCannotHold) {
  const std::vector<float> output =
      resample(testing::tone(44100, 12000.0 / 44100, 0.5), 44100, 16000);
  for (size_t i = 100; i < 15900; ++i) EXPECT_NEAR(output[i], 0.0f, 2e-3f);
}

TEST(Resample, EqualRatesCopy) {
  const std::vector<float> input = noise(100, 2);
  EXPECT_EQ(resample(input, 48000, 48000), input);
}

TEST(Resample, RefusesRatesOutsideTheRange) {
  EXPECT_THROW(Resampler(0, 16000), Error);
  EXPECT_THROW(Resampler(16000, -1), Error);
  EXPECT_THROW(Resampler(768001, 16000), Error);
}

}  // namespace
}  // namespace cocola
