#include "features/stft.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace cocola {

EdgePadding edge_padding_of(FeatureKind kind) {
  return kind == FeatureKind::hps ? EdgePadding::zeros : EdgePadding::reflect;
}

std::vector<double> hann_taper(int64_t num_samples) {
  constexpr double kTwoPi = 6.283185307179586476925;
  std::vector<double> taper;
  for (int64_t n = 0; n < num_samples; ++n) {
    const double phase = kTwoPi * static_cast<double>(n) / static_cast<double>(num_samples);
    taper.push_back(0.5 - 0.5 * std::cos(phase));
  }
  return taper;
}

Stft::Stft(const FeatureConfig& config, EdgePadding padding, SimdLevel level)
    : fft_size_(config.fft_size),
      hop_(config.hop_samples),
      padding_(padding),
      taper_(hann_taper(config.taper_samples)),
      fourier_(config.fft_size, simd_kernels(level)),
      samples_(static_cast<size_t>(fft_size_ * fourier_.num_lanes())),
      bins_(static_cast<size_t>(num_bins() * fourier_.num_lanes())) {}

// Writes only the samples under the taper, in the middle of the frame; the rest of samples_ stays
// zero.
void Stft::taper_frame(std::span<const float> waveform, int64_t frame, int64_t lane) {
  const auto length = static_cast<int64_t>(waveform.size());
  const auto taper_samples = static_cast<int64_t>(taper_.size());
  const int64_t before_taper = (fft_size_ - taper_samples) / 2;
  const int64_t start = frame * hop_ - fft_size_ / 2 + before_taper;
  const int64_t lanes = fourier_.num_lanes();
  double* const to = samples_.data() + before_taper * lanes + lane;
  if (start >= 0 && start + taper_samples <= length) {
    const float* const from = waveform.data() + start;
    for (int64_t n = 0; n < taper_samples; ++n)
      to[n * lanes] = from[n] * taper_[static_cast<size_t>(n)];
    return;
  }
  for (int64_t n = 0; n < taper_samples; ++n) {
    to[n * lanes] = padded_sample(waveform.data(), length, start + n, padding_) *
                    taper_[static_cast<size_t>(n)];
  }
}

void Stft::magnitude(std::span<const float> waveform, std::span<float> out) {
  const auto length = static_cast<int64_t>(waveform.size());
  const int64_t num = num_frames(length), lanes = fourier_.num_lanes();
  if (static_cast<int64_t>(out.size()) != num * num_bins()) {
    fail("stft", "{} values of room for {} frames of {} bins", out.size(), num, num_bins());
  }
  if (padding_ == EdgePadding::reflect && length <= fft_size_ / 2) {
    fail("stft", "{} samples; reflected edges need more than {}", length, fft_size_ / 2);
  }
  for (int64_t first = 0; first < num; first += lanes) {
    const int64_t used = std::min(lanes, num - first);
    for (int64_t l = 0; l < used; ++l) taper_frame(waveform, first + l, l);
    fourier_.magnitude(samples_.data(), bins_.data());
    for (int64_t l = 0; l < used; ++l) {
      float* const frame = out.data() + (first + l) * num_bins();
      for (int64_t k = 0; k < num_bins(); ++k) frame[k] = bins_[static_cast<size_t>(k * lanes + l)];
    }
  }
}

}  // namespace cocola
