#include "stems/window.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "base/error.h"

namespace cocola {
namespace {

// Exact for any window: at most 2^30 per sample.
int64_t sum_of_squares(std::span<const int16_t> samples) {
  int64_t sum = 0;
  for (const int16_t sample : samples) sum += int32_t{sample} * sample;
  return sum;
}

// Samples from one window to the next.
int64_t hop_samples(const WindowConfig& config, int64_t window_samples) {
  // The small number keeps 0.7 * 10 at 7 although doubles make it 6.999...
  const double shared = config.max_overlap * static_cast<double>(window_samples) + 1e-6;
  return std::max<int64_t>(1, window_samples - static_cast<int64_t>(shared));
}

std::vector<int64_t> hop_starts(const StemSamples& track, int64_t length, int64_t hop) {
  std::vector<int64_t> starts;
  for (int64_t start = 0; start + length <= track.num_samples(); start += hop) {
    starts.push_back(start);
  }
  return starts;
}

std::vector<int64_t> original_starts(const StemSamples& track, int64_t length) {
  const double samples_per_file_sample = static_cast<double>(track.sample_rate_hz()) /
                                         static_cast<double>(track.file_sample_rate_hz());
  const int64_t shift = std::llround(static_cast<double>(length / 2) * samples_per_file_sample);
  std::vector<int64_t> starts;
  for (const int64_t first : {int64_t{0}, shift}) {
    for (int64_t start = first; start < track.num_samples(); start += length) {
      starts.push_back(start);
    }
  }
  std::ranges::sort(starts);
  // Both passes are one where the shift is a whole window: files at half the target rate.
  const auto twins = std::ranges::unique(starts);
  starts.erase(twins.begin(), twins.end());
  return starts;
}

void require_distance(const StemSamples& track, const std::vector<int64_t>& starts, int64_t length,
                      int64_t hop, double max_overlap) {
  for (size_t i = 1; i < starts.size(); ++i) {
    const int64_t distance = starts[i] - starts[i - 1];
    if (distance >= hop) continue;
    const int64_t thousandths = (1000 * (length - distance) + length - 1) / length;
    fail_usage("data.max_overlap",
               "{} is less than the windows of data.window_grid: original share in files at {} Hz; "
               "set {:.3f}, or data.window_grid: hop",
               max_overlap, track.file_sample_rate_hz(), static_cast<double>(thousandths) / 1000.0);
  }
}

std::vector<int64_t> starts_of(const StemSamples& track, const WindowConfig& config,
                               int64_t length) {
  const int64_t hop = hop_samples(config, length);
  if (config.grid == WindowGrid::hop) return hop_starts(track, length, hop);
  std::vector<int64_t> starts = original_starts(track, length);
  require_distance(track, starts, length, hop, config.max_overlap);
  return starts;
}

}  // namespace

const char* to_string(WindowGrid grid) {
  constexpr std::array kNames = {"hop", "original"};
  return kNames[static_cast<size_t>(grid)];
}

void WindowConfig::validate() const {
  require_range("data.window_seconds", window_seconds, 0.5, 60.0);
  require_range("data.max_overlap", max_overlap, 0.0, 0.95);
  require_range("data.audible_dbfs", audible_dbfs, -120.0, 0.0);
}

int64_t WindowConfig::window_samples(int64_t sample_rate_hz) const {
  return std::llround(window_seconds * static_cast<double>(sample_rate_hz));
}

std::vector<Window> lay_out_windows(const StemSamples& track, const WindowConfig& config) {
  config.validate();
  std::vector<Window> windows;
  const int64_t length = config.window_samples(track.sample_rate_hz());
  // RMS * gain > level, squared and times L.
  const double gain = track.gain();
  const double threshold =
      std::pow(10.0, config.audible_dbfs / 10.0) * static_cast<double>(length) / (gain * gain);
  std::vector<int16_t> samples(static_cast<size_t>(length));
  for (const int64_t start : starts_of(track, config, length)) {
    Window window;
    window.start_sample = start;
    const auto inside = std::span(samples).first(
        static_cast<size_t>(std::min(length, track.num_samples() - start)));
    for (int64_t stem = 0; stem < track.num_stems(); ++stem) {
      track.read(stem, start, inside);
      window.audible.push_back(static_cast<double>(sum_of_squares(inside)) > threshold ? 1 : 0);
    }
    if (std::count(window.audible.begin(), window.audible.end(), 1) >= 2) {
      windows.push_back(std::move(window));
    }
  }
  return windows;
}

}  // namespace cocola
