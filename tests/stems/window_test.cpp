#include "stems/window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "support/usage_error.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Samples final : StemSamples {
  int64_t num_stems() const override { return static_cast<int64_t>(stems.size()); }
  int64_t num_samples() const override {
    return stems.empty() ? 0 : static_cast<int64_t>(stems[0].size());
  }
  int64_t sample_rate_hz() const override { return rate; }
  int64_t file_sample_rate_hz() const override { return file_rate > 0 ? file_rate : rate; }
  float gain() const override { return scale; }
  void read(int64_t stem, int64_t start, std::span<int16_t> out) const override {
    const auto& samples = stems[static_cast<size_t>(stem)];
    ASSERT_LE(static_cast<size_t>(start) + out.size(), samples.size());
    std::copy_n(samples.begin() + start, out.size(), out.begin());
  }

  std::vector<std::vector<int16_t>> stems;
  int64_t rate = 100;
  int64_t file_rate = 0;  // 0: as rate
  float scale = 1.0f / 32767.0f;
};

// Every stem constant at the given level; [N] levels.
Samples track_of(int64_t num_samples, const std::vector<int16_t>& levels, int64_t rate = 100) {
  Samples track;
  track.rate = rate;
  for (const int16_t level : levels) {
    track.stems.emplace_back(static_cast<size_t>(num_samples), level);
  }
  return track;
}

std::vector<int64_t> starts_of(const std::vector<Window>& windows) {
  std::vector<int64_t> starts;
  for (const Window& window : windows) starts.push_back(window.start_sample);
  return starts;
}

TEST(Windows, LieInsideTheTrackAndOverlapByAtMostTheLimit) {
  for (const double overlap : {0.0, 0.3, 0.5, 0.7, 0.95}) {
    for (const int64_t num_samples : {499, 500, 501, 749, 750, 2000, 5123}) {
      WindowConfig config;
      config.max_overlap = overlap;
      const std::vector<int64_t> starts =
          starts_of(lay_out_windows(track_of(num_samples, {1000, 1000}), config));
      EXPECT_EQ(starts.empty(), num_samples < 500);
      for (size_t i = 0; i < starts.size(); ++i) {
        EXPECT_GE(starts[i], 0);
        EXPECT_LE(starts[i] + 500, num_samples);
        if (i == 0) continue;
        EXPECT_GT(starts[i], starts[i - 1]);
        const auto shared = static_cast<double>(starts[i - 1] + 500 - starts[i]);
        EXPECT_LE(shared, overlap * 500 + 1e-9) << overlap;
        EXPECT_GT(shared, overlap * 500 - 1.0) << "windows are needlessly far apart";
      }
    }
  }
}

TEST(Windows, DefaultIsFiveSecondsWithHopsOfHalfAWindow) {
  const WindowConfig config;
  EXPECT_EQ(config.window_samples(16000), 80000);
  EXPECT_THAT(starts_of(lay_out_windows(track_of(1300, {9, 9000, 9000}), config)),
              ElementsAre(0, 250, 500, 750));
}

TEST(Windows, TellWhichStemsAreAudible) {
  Samples track = track_of(1500, {8000, 8000, 8000});
  std::fill(track.stems[1].begin(), track.stems[1].begin() + 500, int16_t{0});
  const std::vector<Window> windows = lay_out_windows(track, {});
  ASSERT_EQ(windows.size(), 5u);
  EXPECT_THAT(windows[0].audible, ElementsAre(1, 0, 1));
  EXPECT_THAT(windows[1].audible, ElementsAre(1, 1, 1));
  EXPECT_THAT(windows[2].audible, ElementsAre(1, 1, 1));
}

TEST(Windows, NeedTwoAudibleStems) {
  Samples track = track_of(1500, {8000, 8000});
  std::fill(track.stems[1].begin() + 500, track.stems[1].end(), int16_t{0});
  EXPECT_THAT(starts_of(lay_out_windows(track, {})), ElementsAre(0, 250));
  EXPECT_TRUE(lay_out_windows(track_of(1500, {8000, 0, 0}), {}).empty());
  EXPECT_TRUE(lay_out_windows(track_of(1500, {0, 0}), {}).empty());
  EXPECT_TRUE(lay_out_windows(track_of(1500, {}), {}).empty());
}

TEST(Windows, AudibleMeansAboveTheLevelGivenTheTracksGain) {
  // A constant of 33 / 32767 is -59.94 dB, 32 / 32767 is -60.21 dB.
  EXPECT_EQ(lay_out_windows(track_of(500, {33, 33}), {}).size(), 1u);
  EXPECT_EQ(lay_out_windows(track_of(500, {32, 32}), {}).size(), 0u);
  Samples loud = track_of(500, {32, 32});
  loud.scale *= 1.1f;
  EXPECT_EQ(lay_out_windows(loud, {}).size(), 1u);
  WindowConfig strict;
  strict.audible_dbfs = -20.0;
  EXPECT_EQ(lay_out_windows(track_of(500, {3276, -3276}), strict).size(), 0u);
  EXPECT_EQ(lay_out_windows(track_of(500, {3277, -3277}), strict).size(), 1u);
}

TEST(Windows, FullScaleDoesNotOverflow) {
  const Samples track = track_of(60 * 16000, {32767, -32768}, 16000);
  WindowConfig config;
  config.window_seconds = 60.0;
  config.audible_dbfs = -0.01;
  EXPECT_EQ(lay_out_windows(track, config).size(), 1u);
}

WindowConfig original_grid(double max_overlap = 0.95) {
  WindowConfig config;
  config.grid = WindowGrid::original;
  config.max_overlap = max_overlap;
  return config;
}

std::vector<int64_t> original_starts(int64_t num_samples, int64_t file_rate) {
  Samples track = track_of(num_samples, {9000, 9000});
  track.file_rate = file_rate;
  return starts_of(lay_out_windows(track, original_grid()));
}

TEST(OriginalGrid, HasASecondPassShiftedByHalfAWindowsSamplesOfTheFile) {
  EXPECT_THAT(original_starts(1300, 100), ElementsAre(0, 250, 500, 750, 1000, 1250));
  // 250 samples at 275 Hz are 90.9 samples at 100 Hz.
  EXPECT_THAT(original_starts(1300, 275), ElementsAre(0, 91, 500, 591, 1000, 1091));
  EXPECT_THAT(original_starts(1091, 275), ElementsAre(0, 91, 500, 591, 1000));
  // A shift of a whole window would give every window but the first twice.
  EXPECT_THAT(original_starts(1300, 50), ElementsAre(0, 500, 1000));
  EXPECT_THAT(original_starts(90, 275), ElementsAre(0));
  EXPECT_THAT(original_starts(0, 275), ElementsAre());
}

TEST(OriginalGrid, OfFiveSecondsAt16KhzIsShiftedBy40000SamplesOfTheFile) {
  for (const auto& [file_rate, shift] :
       {std::pair{16000, 40000}, std::pair{44100, 14512}, std::pair{48000, 13333}}) {
    Samples track = track_of(80'000, {9000, 9000}, 16000);
    track.file_rate = file_rate;
    EXPECT_THAT(starts_of(lay_out_windows(track, original_grid())), ElementsAre(0, shift));
  }
}

TEST(OriginalGrid, SilenceThatFillsTheLastWindowCountsForItsLevel) {
  // 0.1 of full scale in a tenth of the window: 10 dB less.
  WindowConfig config = original_grid();
  config.audible_dbfs = -29.9;
  EXPECT_THAT(starts_of(lay_out_windows(track_of(550, {3277, 3277}), config)), ElementsAre(0, 250));
  config.audible_dbfs = -30.1;
  EXPECT_THAT(starts_of(lay_out_windows(track_of(550, {3277, 3277}), config)),
              ElementsAre(0, 250, 500));
}

TEST(OriginalGrid, IsRefusedWhereItsWindowsOverlapByMoreThanAllowed) {
  Samples track = track_of(1300, {9000, 9000});
  EXPECT_EQ(lay_out_windows(track, original_grid(0.5)).size(), 6u);
  track.file_rate = 275;
  EXPECT_EQ(lay_out_windows(track, original_grid(0.818)).size(), 6u);
  const std::string refusal =
      testing::usage_error_of([&] { lay_out_windows(track, original_grid(0.5)); });
  EXPECT_THAT(refusal, AllOf(HasSubstr("[data.max_overlap] 0.5"), HasSubstr("275 Hz"),
                             HasSubstr("set 0.818"), HasSubstr("data.window_grid: hop")));
}

TEST(WindowConfig, RefusesValuesOutsideTheirRange) {
  const auto refused = [](double WindowConfig::*field, double value) {
    WindowConfig config;
    config.*field = value;
    EXPECT_THROW(config.validate(), UsageError) << value;
  };
  for (const double value : {0.49, 60.1, -1.0, std::nan("")})
    refused(&WindowConfig::window_seconds, value);
  for (const double value : {-0.1, 0.96, std::nan("")}) refused(&WindowConfig::max_overlap, value);
  for (const double value : {0.1, -120.1, std::nan("")})
    refused(&WindowConfig::audible_dbfs, value);
  EXPECT_NO_THROW(WindowConfig{}.validate());
}

}  // namespace
}  // namespace cocola
