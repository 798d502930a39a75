#include "stems/track.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "audio/audio_file.h"
#include "base/error.h"
#include "support/sound_file.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::tone;
using testing::write_sound;

constexpr int kFloatWav = SF_FORMAT_WAV | SF_FORMAT_FLOAT;

class TrackTest : public ::testing::Test {
 protected:
  // Adds a stem to the track.
  void stem(const std::string& name, const std::vector<float>& frames, int rate = 16000,
            int channels = 1, int format = kFloatWav) {
    std::filesystem::create_directories((directory_ / name).parent_path());
    write_sound(directory_ / name, frames, rate, channels, format);
    files_.stems.push_back(directory_ / name);
  }

  std::string error(int64_t rate = 16000) {
    try {
      read_track(files_, rate);
    } catch (const Error& e) {
      return e.what();
    }
    return "read";
  }

  testing::TemporaryDirectory directory_;
  TrackFiles files_{"A song", "train", {}};
};

TEST_F(TrackTest, IntegersTimesGainAreTheSamplesWithinHalfAStep) {
  const std::vector<float> low = tone(20000, 0.01, 0.9), high = tone(20000, 0.2, 0.001);
  stem("low.wav", low);
  stem("high.wav", high);
  const Track track = read_track(files_, 16000);
  EXPECT_EQ(track.name, "A song");
  EXPECT_EQ(track.sample_rate_hz, 16000);
  EXPECT_EQ(track.gain, 1.0f / 32767.0f);
  ASSERT_EQ(track.stems.size(), 2u);
  for (size_t i = 0; i < low.size(); ++i) {
    ASSERT_NEAR(static_cast<float>(track.stems[0][i]) * track.gain, low[i], 0.501f * track.gain);
    ASSERT_NEAR(static_cast<float>(track.stems[1][i]) * track.gain, high[i], 0.501f * track.gain);
  }
}

TEST_F(TrackTest, LoudStemsRaiseTheGainOfAllInsteadOfClipping) {
  const std::vector<float> quiet = tone(20000, 0.01, 0.5), loud = tone(20000, 0.01, 2.5);
  stem("a.wav", quiet);
  stem("b.wav", loud);
  const Track track = read_track(files_, 16000);
  const float peak = *std::max_element(loud.begin(), loud.end());
  EXPECT_FLOAT_EQ(track.gain, peak / 32767.0f);
  for (size_t i = 0; i < loud.size(); ++i) {
    ASSERT_NEAR(static_cast<float>(track.stems[0][i]) * track.gain, quiet[i], 0.501f * track.gain);
    ASSERT_NEAR(static_cast<float>(track.stems[1][i]) * track.gain, loud[i], 0.501f * track.gain);
  }
}

TEST_F(TrackTest, StemsOfAnyRateAndChannelsMeetAtOneRateInMono) {
  std::vector<float> stereo;
  for (const float x : tone(88200, 441.0 / 44100, 0.4)) {
    stereo.push_back(x);
    stereo.push_back(0.5f * x);
  }
  stem("a.flac", stereo, 44100, 2, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  stem("b.wav", tone(64000, 441.0 / 32000, 0.3), 32000);
  const Track track = read_track(files_, 16000);
  for (size_t s = 0; s < 2; ++s) {
    const std::vector<float> expected = read_waveform(files_.stems[s], 16000).samples;
    ASSERT_EQ(track.stems[s].size(), 32000u);
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(static_cast<float>(track.stems[s][i]) * track.gain, expected[i],
                  0.501f * track.gain);
    }
  }
}

TEST_F(TrackTest, PaddingOfCodersIsCutToTheShortest) {
  stem("a.wav", tone(16000 + 800, 0.01, 0.5));
  stem("b.wav", tone(16000, 0.01, 0.5));
  const Track track = read_track(files_, 16000);
  EXPECT_EQ(track.stems[0].size(), 16000u);
  EXPECT_EQ(track.stems[1].size(), 16000u);
}

TEST_F(TrackTest, LengthsThatDifferMoreAreRefusedWithBothNames) {
  stem("short.wav", tone(16000, 0.01, 0.5));
  stem("long.wav", tone(16000 + 801, 0.01, 0.5));
  const std::string text = error();
  EXPECT_THAT(text, HasSubstr("A song"));
  EXPECT_THAT(text, HasSubstr("short.wav"));
  EXPECT_THAT(text, HasSubstr("long.wav"));
}

TEST_F(TrackTest, OneStemIsNoTrack) {
  EXPECT_THAT(error(), HasSubstr("0 stems"));
  stem("a.wav", tone(16000, 0.01, 0.5));
  EXPECT_THAT(error(), HasSubstr("1 stems"));
}

TEST_F(TrackTest, BadAudioNamesTrackAndFile) {
  stem("a.wav", tone(16000, 0.01, 0.5));
  std::vector<float> broken = tone(16000, 0.01, 0.5);
  broken[777] = std::nanf("");
  stem("b.wav", broken);
  EXPECT_THAT(error(), HasSubstr("A song"));
  EXPECT_THAT(error(), HasSubstr("b.wav: sample 777"));
  files_.stems[1] = directory_ / "missing.wav";
  EXPECT_THAT(error(), HasSubstr("missing.wav"));
}

TEST_F(TrackTest, StemsAreNamedByTheirPathBelowTheCommonFolder) {
  const std::vector<float> samples = tone(1600, 0.01, 0.5);
  stem("song/bass.one.wav", samples);
  stem("song/drums.wav", samples);
  EXPECT_THAT(read_track(files_, 16000).stem_names, ElementsAre("bass.one", "drums"));
  stem("song/keys/piano.wav", samples);
  EXPECT_THAT(read_track(files_, 16000).stem_names, ElementsAre("bass.one", "drums", "keys/piano"));
}

}  // namespace
}  // namespace cocola
