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
    files_.stems.push_back(
        {std::filesystem::path(name).replace_extension().string(), {directory_ / name}});
  }

  Track read(int64_t rate = 16000) const { return {files_, rate, directory_.path()}; }

  std::string error(int64_t rate = 16000) {
    try {
      read(rate);
    } catch (const Error& e) {
      return e.what();
    }
    return "read";
  }

  // All samples of a stem, as numbers in [-1, 1].
  static std::vector<float> samples_of(const Track& track, int64_t stem) {
    std::vector<int16_t> integers(static_cast<size_t>(track.num_samples()));
    track.read(stem, 0, integers);
    std::vector<float> samples;
    for (const int16_t value : integers) {
      samples.push_back(static_cast<float>(value) * track.gain());
    }
    return samples;
  }
  static void expect_rounded(const Track& track, int64_t stem, const std::vector<float>& expected) {
    const std::vector<float> samples = samples_of(track, stem);
    ASSERT_EQ(samples.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(samples[i], expected[i], 0.501f * track.gain()) << i;
    }
  }

  testing::TemporaryDirectory directory_;
  TrackFiles files_{"A song", "train", {}};
};

TEST_F(TrackTest, IntegersTimesGainAreTheSamplesWithinHalfAStep) {
  const std::vector<float> low = tone(20000, 0.01, 0.9), high = tone(20000, 0.2, 0.001);
  stem("low.wav", low);
  stem("high.wav", high);
  const Track track = read(16000);
  EXPECT_EQ(track.name(), "A song");
  EXPECT_THAT(track.stem_names(), ElementsAre("low", "high"));
  EXPECT_EQ(track.sample_rate_hz(), 16000);
  EXPECT_EQ(track.gain(), 1.0f / 32767.0f);
  ASSERT_EQ(track.num_stems(), 2);
  expect_rounded(track, 0, low);
  expect_rounded(track, 1, high);
}

TEST_F(TrackTest, AnyPartReadsAsInTheWhole) {
  stem("a.wav", tone(200'000, 0.01, 0.9));
  stem("b.wav", tone(200'000, 0.03, 0.5));
  const Track track = read(16000);
  const std::vector<float> whole = samples_of(track, 1);
  for (const int64_t start : {0, 1, 65'535, 65'536, 131'073, 199'999}) {
    std::vector<int16_t> part(static_cast<size_t>(std::min<int64_t>(1000, 200'000 - start)));
    track.read(1, start, part);
    for (size_t i = 0; i < part.size(); ++i) {
      ASSERT_EQ(static_cast<float>(part[i]) * track.gain(), whole[static_cast<size_t>(start) + i]);
    }
  }
}

TEST_F(TrackTest, LeavesNoFileBehind) {
  stem("a.wav", tone(2000, 0.01, 0.9));
  stem("b.wav", tone(2000, 0.01, 0.9));
  const Track track = read(16000);
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    EXPECT_EQ(entry.path().extension(), ".wav");
  }
}

TEST_F(TrackTest, LoudStemsRaiseTheGainOfAllInsteadOfClipping) {
  const std::vector<float> quiet = tone(20000, 0.01, 0.5), loud = tone(20000, 0.01, 2.5);
  stem("a.wav", quiet);
  stem("b.wav", loud);
  const Track track = read(16000);
  EXPECT_FLOAT_EQ(track.gain(), *std::max_element(loud.begin(), loud.end()) / 32767.0f);
  expect_rounded(track, 0, quiet);
  expect_rounded(track, 1, loud);
}

TEST_F(TrackTest, StemsOfAnyRateAndChannelsMeetAtOneRateInMono) {
  std::vector<float> stereo;
  for (const float x : tone(88200, 441.0 / 44100, 0.4)) {
    stereo.push_back(x);
    stereo.push_back(0.5f * x);
  }
  stem("a.flac", stereo, 44100, 2, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  stem("b.wav", tone(64000, 441.0 / 32000, 0.3), 32000);
  const Track track = read(16000);
  EXPECT_EQ(track.num_samples(), 32000);
  EXPECT_EQ(track.sample_rate_hz(), 16000);
  EXPECT_EQ(track.file_sample_rate_hz(), 44100) << "that of the first stem";
  expect_rounded(track, 0, read_waveform(directory_ / "a.flac", 16000).samples);
  expect_rounded(track, 1, read_waveform(directory_ / "b.wav", 16000).samples);
}

// Kick at 44.1 kHz, snare at 16 kHz and shorter: the stem is their sum, the snare silent at the
// end.
TEST_F(TrackTest, AStemOfSeveralFilesIsTheirSum) {
  stem("kick.wav", tone(88200, 0.01, 0.3), 44100);
  write_sound(directory_ / "snare.wav", tone(20000, 0.05, 0.2), 16000, 1, kFloatWav);
  files_.stems[0].files.push_back(directory_ / "snare.wav");
  stem("bass.wav", tone(32000, 0.02, 0.5));
  std::vector<float> expected = read_waveform(directory_ / "kick.wav", 16000).samples;
  const std::vector<float> snare = read_waveform(directory_ / "snare.wav", 16000).samples;
  for (size_t i = 0; i < snare.size(); ++i) expected[i] += snare[i];
  expect_rounded(read(16000), 0, expected);
}

TEST_F(TrackTest, PaddingOfCodersIsCutToTheShortest) {
  stem("a.wav", tone(16000 + 800, 0.01, 0.5));
  stem("b.wav", tone(16000, 0.01, 0.5));
  EXPECT_EQ(read(16000).num_samples(), 16000);
}

TEST_F(TrackTest, LengthsThatDifferMoreAreRefusedWithBothNames) {
  stem("short.wav", tone(16000, 0.01, 0.5));
  stem("long.wav", tone(16000 + 801, 0.01, 0.5));
  const std::string text = error();
  EXPECT_THAT(text, HasSubstr("A song"));
  EXPECT_THAT(text, HasSubstr("short.wav"));
  EXPECT_THAT(text, HasSubstr("long.wav"));
}

TEST_F(TrackTest, LengthsThatDifferAreCutOrPaddedWithSilenceOnRequest) {
  const std::vector<float> longer = tone(48000, 0.01, 0.5);
  std::vector<float> shorter = tone(16000, 0.03, 0.5);
  stem("short.wav", shorter);
  stem("long.wav", longer);
  files_.unequal_lengths = UnequalLengths::cut;
  expect_rounded(read(16000), 0, shorter);
  expect_rounded(read(16000), 1, {longer.begin(), longer.begin() + 16000});
  files_.unequal_lengths = UnequalLengths::pad;
  shorter.resize(48000);
  expect_rounded(read(16000), 0, shorter);
  expect_rounded(read(16000), 1, longer);
}

TEST_F(TrackTest, GrowsBySilenceAlone) {
  const std::vector<float> longer = tone(48000, 0.01, 0.5);
  std::vector<float> shorter = tone(16000, 0.03, 0.5);
  stem("short.wav", shorter);
  stem("long.wav", longer);
  files_.unequal_lengths = UnequalLengths::cut;
  Track track = read(16000);
  track.extend_to(20000);
  std::vector<float> cut(longer.begin(), longer.begin() + 16000);
  cut.resize(20000);
  shorter.resize(20000);
  expect_rounded(track, 0, shorter);
  expect_rounded(track, 1, cut);
  track.extend_to(100);
  EXPECT_EQ(track.num_samples(), 20000);
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
  files_.stems[1].files[0] = directory_ / "missing.wav";
  EXPECT_THAT(error(), HasSubstr("missing.wav"));
}

TEST_F(TrackTest, AMissingScratchDirectoryIsNamed) {
  stem("a.wav", tone(1600, 0.01, 0.5));
  stem("b.wav", tone(1600, 0.01, 0.5));
  try {
    const Track track(files_, 16000, directory_ / "absent");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("absent"));
  }
}

}  // namespace
}  // namespace cocola
