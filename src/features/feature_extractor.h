// Waveform in, features out: the published front ends on the CPU.
#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "features/feature_config.h"
#include "features/median.h"

namespace cocola {

// Samples beyond this are refused: far from where the power of a band would overflow.
inline constexpr float kLoudestSample = 1e15f;
// hps features end this far below the maximum of their channel.
inline constexpr float kRangeDb = 80.0f;

// Computes the features of single waveforms. Keeps scratch memory: no allocation after the first
// call of a size. Not thread-safe: one per thread. Never spawns threads of its own.
class FeatureExtractor {
 public:
  // level: for tests; the default is the best this CPU has.
  explicit FeatureExtractor(const FeatureConfig& config, SimdLevel level = best_simd_level());
  ~FeatureExtractor();
  FeatureExtractor(FeatureExtractor&&) noexcept;
  FeatureExtractor& operator=(FeatureExtractor&&) = delete;

  const FeatureConfig& config() const;

  // Shapes: waveform [L] with L > fft_size / 2; out row-major [channels, mel_bins, frames], dB.
  // Range:  hps [-80, 0] per channel; mel [-100, inf).
  // Throws: Error for a wrong size of out, or a sample that is not finite or beyond kLoudestSample.
  // Law:    an all-zero waveform gives 0 dB everywhere with hps and -100 dB with mel; never NaN.
  void extract(std::span<const float> waveform, std::span<float> out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocola
