// Lays windows over a track, offline: any batch of distinct windows then satisfies the overlap
// limit.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "stems/track.h"

namespace cocola {

// Where windows begin.
enum class WindowGrid {
  // At equal hops of (1 - max_overlap) L. A tail shorter than a window belongs to none.
  hop,
  // The published code's: at 0, L, 2 L, ..., and once more shifted by as many samples of the
  // track's files as half a window has at the target rate. For 5 s at 16 kHz that is 40,000: 2.5 s
  // of a file at 16 kHz, 0.907 s at 44.1 kHz. Silence fills the last window of each pass.
  original,
};

// "hop"
const char* to_string(WindowGrid grid);

struct WindowConfig {
  // Length L of a window, in seconds. Range [0.5, 60].
  double window_seconds = 5.0;
  WindowGrid grid = WindowGrid::hop;
  // Largest share of a window that another window of the same track may cover. Range [0, 0.95].
  // The original grid asks for 0.5 with files at the target rate, 0.819 with 44.1 kHz to 16 kHz.
  double max_overlap = 0.5;
  // A stem is audible in a window when its RMS there exceeds this level, in dB relative to full
  // scale. Range [-120, 0].
  double audible_dbfs = -60.0;

  void validate() const;
  int64_t window_samples(int64_t sample_rate_hz) const;
  bool operator==(const WindowConfig&) const = default;
};

struct Window {
  int64_t start_sample = 0;
  std::vector<uint8_t> audible;  // [N], 1 where the stem is audible here
};

// The windows of the grid, kept where at least two stems are audible; silence behind the track
// counts as such.
//
// Throws: UsageError naming data.max_overlap when windows of the original grid overlap by more.
// Law:    starts ascend; two windows overlap by at most max_overlap; every window begins inside the
//         track, and every window of the grid hop ends there.
std::vector<Window> lay_out_windows(const StemSamples& track, const WindowConfig& config);

}  // namespace cocola
