#include "batches/augment.h"

#include <algorithm>

#include "base/error.h"
#include "base/philox.h"

namespace cocola {

void AugmentConfig::validate() const {
  require_range("training.augment.noise_std", noise_std, 0.0, 1.0);
  require_range("training.augment.mask_probability", mask_probability, 0.0, 1.0);
}

std::array<ChannelMask, 2> draw_channel_masks(const AugmentConfig& config, uint64_t seed,
                                              int64_t epoch, int64_t window) {
  PhiloxStream draws(seed, DrawPurpose::channel_mask, 0, static_cast<uint64_t>(window),
                     static_cast<uint64_t>(epoch));
  const auto draw = [&] {
    const double u = static_cast<double>(draws.next_uniform());
    if (u >= config.mask_probability) return ChannelMask::none;
    return u < config.mask_probability / 2 ? ChannelMask::harmonic : ChannelMask::percussive;
  };
  const ChannelMask anchor = draw();
  return {anchor, config.mask_views == MaskViews::same ? anchor : draw()};
}

void hide_channel(ChannelMask mask, std::span<float> features, const FeatureShape& shape) {
  if (mask == ChannelMask::none) return;
  if (shape.channels != 2 || static_cast<int64_t>(features.size()) != shape.size()) {
    fail("augment", "{} values in {} channels; only the two channels of hps features can be hidden",
         features.size(), shape.channels);
  }
  const auto channel = static_cast<size_t>(shape.mel_bins * shape.frames);
  const std::span<float> hidden =
      features.subspan(mask == ChannelMask::harmonic ? 0 : channel, channel);
  std::fill(hidden.begin(), hidden.end(), kMaskedDb);
}

void mask_channels(const AugmentConfig& config, uint64_t seed, int64_t epoch, int64_t window,
                   const FeatureShape& shape, std::span<float> anchor, std::span<float> positive) {
  if (shape.channels != 2) return;
  const auto [anchor_mask, positive_mask] = draw_channel_masks(config, seed, epoch, window);
  hide_channel(anchor_mask, anchor, shape);
  hide_channel(positive_mask, positive, shape);
}

}  // namespace cocola
