// Magnitude short-time Fourier transform with a short taper inside a longer transform.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "features/feature_config.h"
#include "features/fourier.h"
#include "features/padded_sample.h"

namespace cocola {

// What the published front ends do beyond the ends of a waveform.
EdgePadding edge_padding_of(FeatureKind kind);

// Periodic Hann taper.
std::vector<double> hann_taper(int64_t num_samples);

// |STFT| of one waveform, frames centred on multiples of the hop, fft_size / 2 samples padded at
// each end.
//
// Shapes: waveform [L]; out row-major [num_frames, num_bins] (frame-major), num_frames = 1 + L /
// hop, num_bins = fft_size / 2 + 1.
// Requires: reflect needs L > fft_size / 2. Not thread-safe: one per thread.
// Law:      the same bits on every SIMD level.
class Stft {
 public:
  Stft(const FeatureConfig& config, EdgePadding padding, SimdLevel level = best_simd_level());
  int64_t num_bins() const { return fourier_.num_bins(); }
  int64_t num_frames(int64_t num_samples) const { return 1 + num_samples / hop_; }
  void magnitude(std::span<const float> waveform, std::span<float> out);

 private:
  void taper_frame(std::span<const float> waveform, int64_t frame, int64_t lane);

  int64_t fft_size_, hop_;
  EdgePadding padding_;
  std::vector<double> taper_;
  RealFourier fourier_;
  std::vector<double> samples_;  // of as many frames as there are lanes
  std::vector<float> bins_;
};

}  // namespace cocola
