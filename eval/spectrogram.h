// What a model hears of two recordings, as pictures for people.
#pragma once
#include <string>
#include <vector>

#include "audio/audio_file.h"
#include "features/feature_config.h"

namespace cocola {

struct SpectrogramRow {
  std::string label;  // "A, harmonic"
  std::string png;    // low bands at the bottom; at most kMostColumns wide
};

struct PairSpectrograms {
  double seconds = 0.0;  // from the left edge of every row, which is 0 s, to the right one
  std::vector<SpectrogramRow> rows;
};

inline constexpr int64_t kMostColumns = 800;
inline constexpr double kMostSpectrogramSeconds = 600.0;

// The mel spectrograms of the model's own front end, one row for each file and channel, up to the
// end of the shorter file or kMostSpectrogramSeconds. Shades are dB, from 80 below a row's loudest
// place to that; a column shows the loudest of its frames.
//
// Requires: both waveforms at the rate of `features`, at least one sample each.
PairSpectrograms draw_spectrograms(const Waveform& a, const Waveform& b,
                                   const FeatureConfig& features);

}  // namespace cocola
