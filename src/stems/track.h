// A track: one piece of music with its stems, first as files, then as samples.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cocola {

// Where a track's stems lie. `split` is "train", "valid" or "test".
struct TrackFiles {
  std::string name;
  std::string split;
  std::vector<std::filesystem::path> stems;  // sorted; at least one
};

// The stems of a track as 16-bit integers: value * gain is the sample in [-1, 1] (gain is 1/32767
// unless a stem peaks above 1). All stems have the same length.
struct Track {
  std::string name;
  std::vector<std::string> stem_names;      // paths below the stems' common folder, no extension
  std::vector<std::vector<int16_t>> stems;  // [N][L]
  float gain = 1.0f / 32767.0f;
  int64_t sample_rate_hz = 0;
};

// Decodes, averages, resamples and quantises every stem. Lengths that differ by at most 50 ms
// (coder padding) are cut to the shortest.
//
// Throws: Error naming track and file for unreadable audio, fewer than two stems, or lengths that
//         differ more.
// Law:    value * gain differs from the resampled sample by at most half a gain.
Track read_track(const TrackFiles& files, int64_t sample_rate_hz);

}  // namespace cocola
