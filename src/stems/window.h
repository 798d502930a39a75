// Lays windows over a track, offline: any batch of distinct windows then satisfies the overlap
// limit.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "stems/track.h"

namespace cocola {

struct WindowConfig {
  // Length L of a window, in seconds. Range [0.5, 60].
  double window_seconds = 5.0;
  // Largest share of a window that another window of the same track may cover. Range [0, 0.95].
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

// Windows of full length at equal hops of (1 - max_overlap) L, kept where at least two stems are
// audible. A tail shorter than a window belongs to no window.
//
// Law: starts ascend; two windows overlap by at most max_overlap; every window lies inside the
// track.
std::vector<Window> lay_out_windows(const StemSamples& track, const WindowConfig& config);

}  // namespace cocola
