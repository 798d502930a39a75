// A small learning problem on stems: tones that tell a window, noise that tells its stems.
#pragma once
#include <cmath>
#include <memory>

#include "base/philox.h"
#include "training/synthetic.h"

namespace cocola::testing {

inline constexpr int64_t kToneSamples = 7600;  // 48 frames, as kSmallShape has

// Two to four stems a window; their noise is that of an epoch.
class ToneStems : public StemSource {
 public:
  explicit ToneStems(uint64_t seed) : seed_(seed) {}

  int64_t num_samples() const override { return kToneSamples; }

  PairStems stems_of(int64_t window, int64_t epoch) override {
    const std::vector<uint8_t> audible(static_cast<size_t>(2 + window % 3), 1);
    return {choose_submixes(audible, seed_, epoch, window), 1.0f / 32767.0f, window};
  }

  void read(int64_t window, int stem, std::span<int16_t> out) override {
    PhiloxStream draws(99, DrawPurpose::noise, static_cast<uint32_t>(1 + stem),
                       static_cast<uint64_t>(window), 0);
    const double pitch = 0.05 + 0.02 * static_cast<double>(window % 40);
    for (size_t n = 0; n < out.size(); ++n) {
      const double tone = 5000.0 * std::sin(pitch * static_cast<double>(n));
      out[n] = static_cast<int16_t>(tone + 300.0 * static_cast<double>(draws.next_normal()));
    }
  }

 private:
  uint64_t seed_;
};

enum class FeaturesBy { loader, feed };

// Training data whose features are made by the loader or by the feed.
inline TrainingData tone_data(FeaturesBy maker, const TrainingConfig& config) {
  TrainingData data = synthetic_data(48, 16);
  const auto features_with = [seed = config.seed](double noise_std) {
    return [seed, noise_std] {
      return make_pair_source(std::make_unique<ToneStems>(seed), FeatureConfig(), noise_std, seed);
    };
  };
  data.make_train_source = features_with(config.augment.noise_std);
  data.make_valid_source = features_with(0.0);
  if (maker == FeaturesBy::feed) {
    data.make_train_stems = [seed = config.seed] { return std::make_unique<ToneStems>(seed); };
  }
  return data;
}

}  // namespace cocola::testing
