#include "eval/score_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "audio/audio_file.h"
#include "base/error.h"
#include "eval/music.h"
#include "support/sound_file.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ScoreRun : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  std::string write(const std::string& name, double windows, double cycles,
                    int rate = 16000) const {
    const auto length = static_cast<int64_t>(windows * static_cast<double>(length_));
    testing::write_sound(directory_ / name,
                         testing::music(length * rate / 16000, cycles, 7).samples, rate);
    return path(name);
  }
  static NamedPair pair(const std::string& a, const std::string& b) {
    return {.a = a, .b = b, .name = b, .system = ""};
  }
  PairScore alone(const NamedPair& p) const {
    return score_pair(model_, read_waveform(p.a, 16000), read_waveform(p.b, 16000), 0.5);
  }
  std::vector<ScoredPair> score(const std::vector<NamedPair>& pairs) const {
    return score_pairs(model_, pairs, 0.5, *open_solo_world());
  }

  const testing::TemporaryDirectory directory_;
  const TrainedModel model_ = open_model(testing::write_small_model(directory_ / "m.safetensors"));
  const int64_t length_ = model_.window_samples();
};

TEST(PairsOfRank, EveryPairOnceForAnyWorld) {
  std::vector<NamedPair> pairs;
  for (const char* a : {"x", "y", "x", "z", "y", "x", "x"}) pairs.push_back({a, "b", "", ""});
  for (const int64_t world_size : {1, 2, 3, 7, 9}) {
    std::multiset<size_t> all;
    for (int64_t rank = 0; rank < world_size; ++rank) {
      const std::vector<size_t> own = pairs_of_rank(pairs, rank, world_size);
      EXPECT_LE(std::abs(std::ssize(own) * world_size - std::ssize(pairs)), world_size);
      all.insert(own.begin(), own.end());
    }
    EXPECT_THAT(all, ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
  }
  EXPECT_THAT(pairs_of_rank(pairs, 0, 1), ::testing::ElementsAre(0, 2, 5, 6, 1, 4, 3));
}

// Different lengths and rates; files that are in several pairs, and one with itself.
TEST_F(ScoreRun, APairScoresTheSameAloneAndAmongOthers) {
  const std::string mix = write("mix.wav", 4.3, 0.02), x = write("x.wav", 2.1, 0.03),
                    y = write("y.wav", 5.0, 0.05, 22050), brief = write("brief.wav", 0.4, 0.04);
  const std::vector<NamedPair> pairs = {pair(mix, x), pair(y, x),       pair(mix, y),
                                        pair(x, mix), pair(mix, brief), pair(x, x)};
  const std::vector<ScoredPair> scores = score(pairs);
  ASSERT_EQ(scores.size(), pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    const PairScore expected = alone(pairs[i]);
    const double tolerance = 1e-5 * (std::abs(expected.both->mean) + expected.both->spread);
    EXPECT_EQ(scores[i].pair.b, pairs[i].b);
    EXPECT_EQ(scores[i].score.num_windows, expected.num_windows);
    EXPECT_NEAR(scores[i].score.both->mean, expected.both->mean, tolerance) << i;
    EXPECT_NEAR(scores[i].score.both->spread, expected.both->spread, tolerance) << i;
    EXPECT_NEAR(scores[i].score.harmonic->mean, expected.harmonic->mean, tolerance) << i;
    EXPECT_NEAR(scores[i].score.percussive->mean, expected.percussive->mean, tolerance) << i;
    EXPECT_EQ(scores[i].reason(), "");
  }
}

TEST_F(ScoreRun, ASilentFileHasNoScoreAndTheOthersDo) {
  const std::string mix = write("mix.wav", 2.0, 0.02);
  testing::write_sound(directory_ / "silent.wav", std::vector<float>(16000, 0.0f), 16000);
  const auto scores = score({pair(mix, path("silent.wav")), pair(mix, mix)});
  EXPECT_EQ(scores[0].reason(), "no window is audible in both files");
  EXPECT_FALSE(scores[0].score.both.has_value());
  EXPECT_TRUE(scores[0].problem.empty());
  EXPECT_TRUE(scores[1].score.both.has_value());
}

TEST_F(ScoreRun, FilesThatAreNoAudioAreRefusedBeforeAnyWork) {
  const std::string mix = write("mix.wav", 2.0, 0.02);
  std::ofstream(directory_ / "text.wav") << "not audio at all";
  try {
    score({pair(mix, mix), pair(mix, path("absent.wav")), pair(mix, path("text.wav"))});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("pair " + path("absent.wav")), HasSubstr("1 more"),
                                HasSubstr("nothing was scored")));
  }
}

TEST_F(ScoreRun, ADamagedFileCostsItsPairsAlone) {
  const std::string mix = write("mix.wav", 3.0, 0.02), bad = path("bad.wav");
  std::vector<float> samples = testing::music(2 * length_, 0.03, 1).samples;
  samples[9000] = NAN;
  testing::write_sound(bad, samples, 16000, 1, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  const auto scores = score({pair(bad, mix), pair(mix, bad), pair(mix, mix)});
  for (const size_t i : {0, 1}) {
    EXPECT_THAT(scores[i].problem, HasSubstr("bad.wav"));
    EXPECT_EQ(scores[i].reason(), scores[i].problem);
    EXPECT_FALSE(scores[i].score.both.has_value());
    EXPECT_TRUE(scores[i].score.curve.empty());
  }
  EXPECT_NEAR(scores[2].score.both->mean, alone(pair(mix, mix)).both->mean,
              1e-5 * std::abs(scores[2].score.both->mean));
}

}  // namespace
}  // namespace cocola
