// cocola_render_midi as its user sees it. Needs a General MIDI sound font: the one that
// COCOLA_SOUNDFONT names, else Debian's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include "audio/audio_file.h"
#include "rendering/midi_writer.h"
#include "support/python.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::midi_file;
using testing::ProgramResult;

fs::path sound_font() {
  const char* chosen = std::getenv("COCOLA_SOUNDFONT");
  return chosen != nullptr ? chosen : "/usr/share/sounds/sf2/TimGM6mb.sf2";
}

class RenderMidi : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(sound_font())) GTEST_SKIP() << "no sound font at " << sound_font();
  }

  std::string file(const std::string& name, const std::string& bytes) {
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
    return directory_ / name;
  }
  ProgramResult render(std::vector<std::string> arguments) {
    const std::vector<std::string> common = {COCOLA_RENDER_MIDI, "--soundfont", sound_font(),
                                             "--out", out_};
    arguments.insert(arguments.begin(), common.begin(), common.end());
    return testing::run_process(arguments);
  }
  // Names below a folder, sorted.
  static std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  static std::string bytes_of(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  testing::TemporaryDirectory directory_;
  const std::string out_ = directory_ / "stems of the test";
  // Piano, bass and drums, two seconds; channel 3 has a program but no note.
  const std::string trio_ =
      midi_file({{0, 0, 60, 8}, {1, 33, 36, 4}, {9, 0, 38, 6}, {2, 40, 60, 0}});
};

TEST_F(RenderMidi, EveryChannelThatSoundsBecomesOneStemOfEqualLength) {
  const ProgramResult result = render({file("trio.mid", trio_)});
  ASSERT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(names_in(out_), ElementsAre("trio"));
  EXPECT_THAT(names_in(fs::path(out_) / "trio"),
              ElementsAre("01_piano.flac", "02_bass.flac", "10_drums.flac"));
  std::map<std::string, std::vector<float>> stems;
  for (const std::string& name : names_in(fs::path(out_) / "trio")) {
    const Waveform stem = read_waveform(fs::path(out_) / "trio" / name, 0);
    EXPECT_EQ(stem.sample_rate_hz, 44100);
    stems[name] = stem.samples;
  }
  const size_t length = stems["01_piano.flac"].size();
  EXPECT_GE(length, size_t{2 * 44100});
  EXPECT_LE(length, size_t{8 * 44100});
  // Level in the second from `start` on.
  const auto level = [&stems](const std::string& name, size_t start) {
    double sum = 0.0;
    for (size_t i = start; i < start + 44100; ++i) sum += std::abs(double{stems[name].at(i)});
    return sum / 44100.0;
  };
  for (const auto& [name, samples] : stems) {
    EXPECT_EQ(samples.size(), length) << name;
    EXPECT_GT(level(name, 0), 1e-3) << name;
  }
  // The bass plays for one second, the piano for two.
  EXPECT_LT(level("02_bass.flac", 60000), 0.1 * level("02_bass.flac", 0));
  EXPECT_GT(level("01_piano.flac", 44100), 0.3 * level("01_piano.flac", 0));
}

TEST_F(RenderMidi, StemsDoNotDependOnWhatElsePlays) {
  ASSERT_EQ(
      render({file("trio.mid", trio_), file("duo.mid", midi_file({{0, 0, 60, 8}, {9, 0, 38, 6}}))})
          .status,
      0);
  const std::vector<float> in_trio =
      read_waveform(fs::path(out_) / "trio/01_piano.flac", 0).samples;
  const std::vector<float> in_duo = read_waveform(fs::path(out_) / "duo/01_piano.flac", 0).samples;
  const float peak = *std::max_element(in_duo.begin(), in_duo.end());
  ASSERT_GT(peak, 0.01f);
  // Not equal: a voice that ends may do so a block earlier or later.
  for (size_t i = 0; i < std::min(in_trio.size(), in_duo.size()); ++i) {
    ASSERT_NEAR(in_trio[i], in_duo[i], 0.01f * peak) << i;
  }
}

TEST_F(RenderMidi, TempoChangesAreKept) {
  // 60 beats a minute instead of 120: twice as long.
  std::string slow = trio_;
  const std::string tempo("\0\xFF\x51\x03\x0F\x42\x40", 7);
  const size_t first_track = slow.find("MTrk");
  slow.insert(first_track + 8, tempo);
  slow[first_track + 7] =
      static_cast<char>(slow[first_track + 7] + static_cast<char>(tempo.size()));
  ASSERT_EQ(render({file("fast.mid", trio_), file("slow.mid", slow)}).status, 0);
  const auto fast_length =
      static_cast<int64_t>(read_waveform(fs::path(out_) / "fast/01_piano.flac", 0).samples.size());
  const auto slow_length =
      static_cast<int64_t>(read_waveform(fs::path(out_) / "slow/01_piano.flac", 0).samples.size());
  EXPECT_NEAR(static_cast<double>(slow_length - fast_length), 2.0 * 44100, 44100 / 2);
}

TEST_F(RenderMidi, SecondsLimitTheLength) {
  ASSERT_EQ(render({"--seconds", "1.5", file("trio.mid", trio_)}).status, 0);
  for (const std::string& name : names_in(fs::path(out_) / "trio")) {
    EXPECT_EQ(read_waveform(fs::path(out_) / "trio" / name, 0).samples.size(), size_t{66150})
        << name;
  }
}

TEST_F(RenderMidi, SongsWithOneChannelAreSkippedAndNamed) {
  const ProgramResult result =
      render({file("solo.mid", midi_file({{0, 0, 60, 8}})), file("trio.mid", trio_)});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.errors, HasSubstr("solo: skipped"));
  EXPECT_THAT(result.errors, HasSubstr("2 songs: 1 rendered, 0 there already, 1 skipped"));
  EXPECT_THAT(names_in(out_), ElementsAre("trio"));
}

TEST_F(RenderMidi, RunAgainKeepsFinishedSongsAndSweepsUnfinishedOnes) {
  const std::string trio = file("trio.mid", trio_);
  ASSERT_EQ(render({trio}).status, 0);
  const fs::path stem = fs::path(out_) / "trio/01_piano.flac";
  const std::string before = bytes_of(stem);
  const auto time = fs::last_write_time(stem);
  const fs::path unfinished = fs::path(out_) / ".other.unfinished.999999999";
  fs::create_directories(unfinished);
  std::ofstream(unfinished / "01_piano.flac") << "half";
  const ProgramResult again = render({trio});
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.errors, HasSubstr("0 rendered, 1 there already"));
  EXPECT_EQ(fs::last_write_time(stem), time);
  EXPECT_THAT(names_in(out_), ElementsAre("trio"));
  fs::remove_all(fs::path(out_) / "trio");
  ASSERT_EQ(render({trio}).status, 0);
  EXPECT_EQ(bytes_of(stem), before) << "rendering is not reproducible";
}

TEST_F(RenderMidi, SongsLimitsTheNumber) {
  ASSERT_EQ(render({"--songs", "1", file("trio.mid", trio_),
                    file("duo.mid", midi_file({{0, 0, 60, 8}, {1, 0, 60, 8}}))})
                .status,
            0);
  EXPECT_THAT(names_in(out_), ElementsAre("trio"));
}

TEST_F(RenderMidi, DamagedSongsAreSkippedAndNamed) {
  const ProgramResult result =
      render({file("cut.mid", trio_.substr(0, 30)), file("trio.mid", trio_)});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.errors, HasSubstr("cut: skipped"));
  EXPECT_EQ(render({file("cut.mid", trio_.substr(0, 30))}).status, 1);
}

TEST_F(RenderMidi, WrongUseEndsWithTwoAndBadFilesWithOne) {
  const std::string trio = file("trio.mid", trio_);
  const auto status_of = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), COCOLA_RENDER_MIDI);
    return testing::run_process(arguments).status;
  };
  EXPECT_EQ(status_of({"--help"}), 0);
  EXPECT_EQ(status_of({}), 2);
  EXPECT_EQ(status_of({"--soundfont", sound_font(), "--out", out_}), 2);
  EXPECT_EQ(status_of({"--soundfont", sound_font(), "--out", out_, "--volume", "3", trio}), 2);
  EXPECT_EQ(status_of({"--soundfont", trio, "--out", out_, trio}), 2);
  EXPECT_EQ(status_of({"--soundfont", "missing.sf2", "--out", out_, trio}), 2);
  for (const char* seconds : {"0", "-1", "nan", "3601", "x"}) {
    EXPECT_EQ(render({"--seconds", seconds, trio}).status, 2) << seconds;
  }
  EXPECT_EQ(render({file("text.mid", "words")}).status, 1);
  EXPECT_EQ(render({directory_ / "missing.mid"}).status, 1);
  EXPECT_FALSE(fs::exists(out_)) << "something was written";
}

}  // namespace
}  // namespace cocola
