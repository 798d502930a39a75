#include "stems/window.h"

#include <algorithm>
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

}  // namespace

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
  const int64_t hop = hop_samples(config, length);
  // RMS * gain > level, squared and times L.
  const double gain = track.gain();
  const double threshold =
      std::pow(10.0, config.audible_dbfs / 10.0) * static_cast<double>(length) / (gain * gain);
  std::vector<int16_t> samples(static_cast<size_t>(length));
  for (int64_t start = 0; start + length <= track.num_samples(); start += hop) {
    Window window;
    window.start_sample = start;
    for (int64_t stem = 0; stem < track.num_stems(); ++stem) {
      track.read(stem, start, samples);
      window.audible.push_back(static_cast<double>(sum_of_squares(samples)) > threshold ? 1 : 0);
    }
    if (std::count(window.audible.begin(), window.audible.end(), 1) >= 2) {
      windows.push_back(std::move(window));
    }
  }
  return windows;
}

}  // namespace cocola
