// Magnitude short-time Fourier transform with a short taper inside a longer transform.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <span>
#include <vector>

#include "features/feature_config.h"

namespace cocola {

enum class EdgePadding { zeros, reflect };

// |STFT| of one waveform, frames centred on multiples of the hop, fft_size / 2 samples padded at
// each end.
//
// Shapes: waveform [L]; out row-major [num_frames, num_bins] (frame-major), num_frames = 1 + L /
// hop,
//         num_bins = fft_size / 2 + 1.
// Requires: reflect needs L > fft_size / 2. Not thread-safe: one per thread.
class Stft {
 public:
  Stft(const FeatureConfig& config, EdgePadding padding);
  int64_t num_bins() const { return fft_size_ / 2 + 1; }
  int64_t num_frames(int64_t num_samples) const { return 1 + num_samples / hop_; }
  void magnitude(std::span<const float> waveform, std::span<float> out);

 private:
  int64_t fft_size_, taper_samples_, hop_;
  EdgePadding padding_;
  std::vector<float> taper_;
  at::Tensor frames_, spectrum_;
};

}  // namespace cocola
