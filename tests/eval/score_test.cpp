#include "eval/score.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "eval/music.h"
#include "eval/window_features.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::ElementsAre;
using testing::music;

Waveform silence(int64_t num_samples, float level = 0.0f) {
  return {.samples = std::vector<float>(static_cast<size_t>(num_samples), level),
          .sample_rate_hz = testing::kSmallRateHz};
}

void expect_near(const PairScore& score, const PairScore& expected, double tolerance) {
  EXPECT_EQ(score.num_windows, expected.num_windows);
  EXPECT_EQ(score.num_silent_windows, expected.num_silent_windows);
  EXPECT_NEAR(score.both->mean, expected.both->mean, tolerance);
  EXPECT_NEAR(score.both->spread, expected.both->spread, tolerance);
  EXPECT_NEAR(score.harmonic->mean, expected.harmonic->mean, tolerance);
  EXPECT_NEAR(score.percussive->mean, expected.percussive->mean, tolerance);
}

class Score : public ::testing::Test {
 protected:
  const testing::TemporaryDirectory directory_;
  const TrainedModel model_ = open_model(testing::write_small_model(directory_ / "m.safetensors"));
  const int64_t length_ = model_.window_samples();
  const Waveform a_ = music(5 * length_ + 123, 0.02, 1), b_ = music(5 * length_ + 123, 0.03, 2);
};

TEST_F(Score, EachModeHearsItsChannelAlone) {
  at::manual_seed(1);
  const auto features = [] { return at::rand({3, 2, 64, 51}) * -60.0; };
  const at::Tensor a = features(), b = features(), kept = a.clone();
  const auto score = [&](const at::Tensor& x, const at::Tensor& y, ChannelMask hidden) {
    return score_features(model_, x, y, hidden);
  };
  const struct {
    ChannelMask hidden;
    int64_t heard;
  } modes[] = {{ChannelMask::percussive, 0}, {ChannelMask::harmonic, 1}};
  for (const auto& [hidden, heard] : modes) {
    at::Tensor other_a = features(), other_b = features();
    other_a.select(1, heard).copy_(a.select(1, heard));
    other_b.select(1, heard).copy_(b.select(1, heard));
    const at::Tensor expected = score(a, b, hidden);
    EXPECT_TRUE(at::equal(score(other_a, other_b, hidden), expected)) << heard;
    EXPECT_FALSE(at::equal(score(a, other_b, ChannelMask::none), score(a, b, ChannelMask::none)));
    other_b.select(1, heard).add_(20.0);
    EXPECT_FALSE(at::equal(score(other_a, other_b, hidden), expected)) << heard;
  }
  EXPECT_TRUE(at::equal(a, kept));  // hiding works on a copy
}

TEST_F(Score, NeitherBatchesNorThreadsDecide) {
  at::set_num_threads(1);
  const PairScore expected = score_pair(model_, a_, b_, 0.5);
  EXPECT_EQ(expected.num_windows, 10);
  EXPECT_GT(expected.both->spread, 0.0);
  const double tolerance = 1e-5 * (std::abs(expected.both->mean) + expected.both->spread);
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    for (const int64_t windows_per_call : {1, 3, 16}) {
      expect_near(score_pair(model_, a_, b_, 0.5, windows_per_call), expected, tolerance);
    }
  }
}

TEST_F(Score, TheLongerRecordingIsCutToTheShorter) {
  for (const int64_t shared : {length_ / 3, length_, 2 * length_ + 17}) {
    Waveform a = a_, b = b_;
    b.samples.resize(static_cast<size_t>(shared));
    const PairScore unequal = score_pair(model_, a, b, 0.5);
    a.samples.resize(static_cast<size_t>(shared));
    expect_near(unequal, score_pair(model_, a, b, 0.5), 0.0);
  }
}

TEST_F(Score, BelowOneWindowZerosFollow) {
  Waveform a = a_, b = b_;
  a.samples.resize(static_cast<size_t>(length_ / 2));
  b.samples.resize(static_cast<size_t>(length_ / 2));
  const PairScore brief = score_pair(model_, a, b, 0.5);
  EXPECT_EQ(brief.num_windows, 1);
  EXPECT_EQ(brief.both->spread, 0.0);
  a.samples.resize(static_cast<size_t>(length_), 0.0f);
  b.samples.resize(static_cast<size_t>(length_), 0.0f);
  expect_near(brief, score_pair(model_, a, b, 0.5), 0.0);
}

TEST_F(Score, SilenceHasNoScore) {
  for (const float level : {0.0f, 1e-20f, 9e-4f}) {  // -60 dBFS is 1e-3
    const Waveform quiet = silence(3 * length_, level);
    for (const PairScore& score :
         {score_pair(model_, a_, quiet, 0.5), score_pair(model_, quiet, b_, 0.5),
          score_pair(model_, quiet, quiet, 0.5)}) {
      EXPECT_FALSE(score.both || score.harmonic || score.percussive) << level;
      EXPECT_EQ(score.num_windows, 0);
      EXPECT_EQ(score.num_silent_windows, 5);
    }
  }
  const PairScore steady = score_pair(model_, silence(length_, 0.5f), b_, 0.5);
  EXPECT_TRUE(std::isfinite(steady.both->mean) && std::isfinite(steady.percussive->mean));
}

TEST_F(Score, SilentWindowsAreLeftOutOfTheMean) {
  Waveform half = b_;
  std::fill(half.samples.begin() + 2 * length_, half.samples.end(), 0.0f);
  Waveform first = b_;
  first.samples.resize(static_cast<size_t>(2 * length_));
  const PairScore score = score_pair(model_, a_, half, 1.0);
  EXPECT_EQ(score.num_windows, 2);
  EXPECT_EQ(score.num_silent_windows, 4);
  EXPECT_NEAR(score.both->mean, score_pair(model_, a_, first, 1.0).both->mean, 1e-6);
}

TEST_F(Score, TheCurveHoldsEveryWindowAndItsMeanIsTheMean) {
  Waveform half = b_;
  std::fill(half.samples.begin() + length_, half.samples.begin() + 3 * length_, 0.0f);
  const PairScore score = score_pair(model_, a_, half, 0.5);
  ASSERT_EQ(std::ssize(score.curve), score.num_windows + score.num_silent_windows);
  EXPECT_EQ(score.num_silent_windows, 3);
  for (const auto& [mode, of_window] : {std::pair(score.both, &WindowScore::both),
                                        std::pair(score.harmonic, &WindowScore::harmonic),
                                        std::pair(score.percussive, &WindowScore::percussive)}) {
    double sum = 0.0;
    for (const WindowScore& window : score.curve) sum += (window.*of_window).value_or(0.0);
    EXPECT_NEAR(sum / static_cast<double>(score.num_windows), mode->mean, 1e-12);
  }
  std::vector<double> starts, silent;
  for (const WindowScore& window : score.curve) {
    starts.push_back(window.start_seconds);
    if (!window.both) silent.push_back(window.start_seconds);
    EXPECT_EQ(window.both.has_value(), window.harmonic && window.percussive);
  }
  const double end = static_cast<double>(4 * length_ + 123) / testing::kSmallRateHz;
  EXPECT_THAT(starts, ElementsAre(0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, end));
  EXPECT_THAT(silent, ElementsAre(0.5, 0.75, 1.0));
}

TEST_F(Score, AWindowOfTheCurveIsThatWindowAlone) {
  const PairScore score = score_pair(model_, a_, b_, 1.0);
  for (const int64_t w : {0, 2}) {
    const auto cut = [&](const Waveform& whole) {
      return Waveform{.samples = excerpt(whole, w * length_, length_, length_),
                      .sample_rate_hz = testing::kSmallRateHz};
    };
    const PairScore alone = score_pair(model_, cut(a_), cut(b_), 1.0);
    const WindowScore& window = score.curve[static_cast<size_t>(w)];
    EXPECT_NEAR(*window.both, alone.both->mean, 1e-4 * std::abs(alone.both->mean));
    EXPECT_NEAR(*window.percussive, alone.percussive->mean,
                1e-4 * std::abs(alone.percussive->mean));
  }
}

TEST_F(Score, EmbeddingsServeAnyPartner) {
  Waveform brief = b_;
  brief.samples.resize(static_cast<size_t>(2 * length_ + 17));
  const auto windows_with = [&](const Waveform& other) {
    return shared_windows(std::ssize(a_.samples), std::ssize(other.samples), length_, 0.5);
  };
  std::vector<WindowPlace> all = windows_with(brief);
  for (const WindowPlace& window : windows_with(b_)) all.push_back(window);
  const RecordingEmbeddings a = embed_windows(model_, a_, all);
  for (const Waveform& other : {brief, b_}) {
    const std::vector<WindowPlace> windows = windows_with(other);
    const PairScore expected = score_pair(model_, a_, other, 0.5);
    expect_near(score_embedded(model_, a, embed_windows(model_, other, windows), windows), expected,
                1e-5 * (std::abs(expected.both->mean) + expected.both->spread));
  }
}

TEST_F(Score, ModelsOfOneChannelHaveOneScore) {
  const TrainedModel mel =
      open_model(testing::write_small_model(directory_ / "mel.safetensors", FeatureKind::mel));
  const PairScore score = score_pair(mel, a_, b_, 0.5);
  EXPECT_TRUE(score.both.has_value());
  EXPECT_FALSE(score.harmonic || score.percussive);
}

TEST(ScoreWindows, CoverTheFileAndEndWithIt) {
  EXPECT_THAT(score_windows(0, 100, 0.5), ElementsAre(0));
  EXPECT_THAT(score_windows(99, 100, 0.5), ElementsAre(0));
  EXPECT_THAT(score_windows(100, 100, 0.5), ElementsAre(0));
  EXPECT_THAT(score_windows(101, 100, 0.5), ElementsAre(0, 1));
  EXPECT_THAT(score_windows(250, 100, 0.5), ElementsAre(0, 50, 100, 150));
  EXPECT_THAT(score_windows(260, 100, 1.0), ElementsAre(0, 100, 160));
}

}  // namespace
}  // namespace cocola
