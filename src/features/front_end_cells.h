// The arithmetic of the front end for many windows, one value at a time. The kernels of the GPU run
// these cells, and so do plain loops where there is none.
#pragma once
#include <cstdint>

#include "features/decibel.h"
#include "features/padded_sample.h"
#include "features/soft_mask.h"

namespace cocola {

// Cell i of B * num_frames * taper_samples cuts one sample out and weighs it. What lies beside the
// taper is left alone.
struct TaperedFrames {
  const float* waveforms;  // [B, num_samples]
  const double* taper;     // [taper_samples]
  double* frames;          // [B, num_frames, fft_size]
  int64_t num_samples, num_frames, fft_size, taper_samples, hop_samples;
  EdgePadding padding;

  constexpr void operator()(int64_t i) const {
    const int64_t n = i % taper_samples, row = i / taper_samples;
    const int64_t window = row / num_frames, frame = row % num_frames;
    const int64_t place = (fft_size - taper_samples) / 2 + n;
    const float sample = padded_sample(waveforms + window * num_samples, num_samples,
                                       frame * hop_samples - fft_size / 2 + place, padding);
    frames[row * fft_size + place] = sample * taper[n];
  }
};

// Cell i of B * mel_bins * num_frames is the level of one band in one frame: of both parts when
// there are medians, else of the magnitudes themselves.
struct MelLevels {
  // [B, num_bins, num_frames]; both medians or none
  const float *magnitude, *harmonic_median, *percussive_median;
  const int64_t* first_bins;     // [mel_bins]
  const int64_t* first_weights;  // [mel_bins + 1], into weights
  const float* weights;
  float* levels;  // [B, 2 or 1, mel_bins, num_frames], dB
  int64_t num_bins, num_frames, mel_bins;

  constexpr void operator()(int64_t i) const {
    const int64_t frame = i % num_frames, band = i / num_frames % mel_bins;
    const int64_t window = i / num_frames / mel_bins, channel = mel_bins * num_frames;
    const int64_t place = band * num_frames + frame;
    int64_t cell = (window * num_bins + first_bins[band]) * num_frames + frame;
    float first = 0.0f, second = 0.0f;
    for (int64_t k = first_weights[band]; k < first_weights[band + 1]; ++k, cell += num_frames) {
      if (harmonic_median == nullptr) {
        first += weights[k] * (magnitude[cell] * magnitude[cell]);
        continue;
      }
      const SoftMasks masks = soft_masks(harmonic_median[cell], percussive_median[cell]);
      const float harmonic = magnitude[cell] * masks.harmonic;
      const float percussive = magnitude[cell] * masks.percussive;
      first += weights[k] * (harmonic * harmonic);
      second += weights[k] * (percussive * percussive);
    }
    if (harmonic_median == nullptr) {
      levels[window * channel + place] = decibel(first);
      return;
    }
    levels[2 * window * channel + place] = decibel(first);
    levels[(2 * window + 1) * channel + place] = decibel(second);
  }
};

}  // namespace cocola
