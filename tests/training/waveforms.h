// A small learning problem on waveforms: tones that tell a window, noise that tells its views.
#pragma once
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/philox.h"
#include "features/feature_extractor.h"
#include "training/synthetic.h"

namespace cocola::testing {

inline constexpr int64_t kWaveformSamples = 7600;  // 48 frames, as kSmallShape has

// Features or waveforms of the same sounds.
class ToneSource : public PairSource {
 public:
  explicit ToneSource(ViewKind views) : views_(views), extractor_(FeatureConfig()) {}

  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    uint32_t view = 0;
    for (const std::span<float> out : {anchor, positive}) {
      PhiloxStream draws(99, DrawPurpose::noise, 1 + view++, static_cast<uint64_t>(window),
                         static_cast<uint64_t>(epoch));
      std::vector<float> sound;
      const double pitch = 0.05 + 0.02 * static_cast<double>(window % 40);
      for (int64_t n = 0; n < kWaveformSamples; ++n) {
        const double tone = 0.3 * std::sin(pitch * static_cast<double>(n));
        sound.push_back(static_cast<float>(tone) + 0.01f * draws.next_normal());
      }
      if (views_ == ViewKind::features) {
        extractor_.extract(sound, out);
      } else {
        std::ranges::copy(sound, out.begin());
      }
    }
  }

 private:
  ViewKind views_;
  FeatureExtractor extractor_;
};

// Training data whose features are made by the loader or by the feed.
inline TrainingData tone_data(ViewKind views) {
  TrainingData data = synthetic_data(48, 16);
  data.make_train_source = [views] { return std::make_unique<ToneSource>(views); };
  data.make_valid_source = [] { return std::make_unique<ToneSource>(ViewKind::features); };
  if (views == ViewKind::waveforms) data.waveform_samples = kWaveformSamples;
  return data;
}

}  // namespace cocola::testing
