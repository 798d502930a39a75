// Mel filter banks, stored as bands: each filter is a short run of bins.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "features/feature_config.h"

namespace cocola {

// slaney: linear below 1 kHz, logarithmic above, filters scaled to equal area. htk: 2595 log10(1 +
// f/700), peak 1.
enum class MelScale { slaney_area, htk_peak };

struct MelBand {
  int64_t first_bin = 0;
  std::vector<float> weights;
};

// Triangular filters between num_bands + 2 points equally spaced on the scale from min_hz to
// max_hz.
std::vector<MelBand> mel_bands(MelScale scale, int64_t num_bands, int64_t fft_size,
                               int64_t sample_rate_hz, double min_hz, double max_hz);
// Those of a front end.
std::vector<MelBand> mel_bands(const FeatureConfig& config);

}  // namespace cocola
