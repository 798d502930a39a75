// Augmentation of a pair: Gaussian noise on the positive's waveform, and hiding one of the two
// feature channels.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "features/feature_config.h"

namespace cocola {

enum class ChannelMask { none, harmonic, percussive };  // which channel is hidden

// Value of a hidden channel, dB. 0 is the published model's choice (equal to "as loud as the
// maximum").
inline constexpr float kMaskedDb = 0.0f;

// Whether anchor and positive of a pair draw one mask together, as published, or one each. A mask
// in common tells a pair from most of its negatives without listening; short trainings learn that
// and nothing else. With one each, the mask of an anchor says nothing about its positive.
enum class MaskViews { same, independent };

struct AugmentConfig {
  // Standard deviation of the noise added to the positive's waveform (full scale = 1). Range [0,
  // 1].
  double noise_std = 1e-3;
  // Chance that one of a view's two channels is hidden; harmonic and percussive are equally likely.
  // Range [0, 1]; used with hps features only. The published training used 2/3.
  double mask_probability = 2.0 / 3.0;
  MaskViews mask_views = MaskViews::same;

  void validate() const;
  bool operator==(const AugmentConfig&) const = default;
};

// Random: decided by (seed, epoch, window) alone.
void add_noise(std::span<float> waveform, double noise_std, uint64_t seed, int64_t epoch,
               int64_t window);
// Random: decided by (config, seed, epoch, window) alone.
std::array<ChannelMask, 2> draw_channel_masks(const AugmentConfig& config, uint64_t seed,
                                              int64_t epoch, int64_t window);  // anchor, positive
// features: row-major [2, mel_bins, frames].
// Throws: Error for features of another shape.
void hide_channel(ChannelMask mask, std::span<float> features, const FeatureShape& shape);
// Draws the masks of a pair and hides what they say. Features of one channel are left alone.
void mask_channels(const AugmentConfig& config, uint64_t seed, int64_t epoch, int64_t window,
                   const FeatureShape& shape, std::span<float> anchor, std::span<float> positive);

}  // namespace cocola
