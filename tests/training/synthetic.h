// A small learning problem without audio: each window has a pattern of its own, its views add draws
// to it.
#pragma once
#include <memory>

#include "base/philox.h"
#include "batches/batch.h"
#include "batches/pair_reader.h"
#include "training/trainer.h"

namespace cocola::testing {

inline constexpr FeatureShape kSmallShape{2, 64, 48};

inline ModelConfig small_model_config() {
  ModelConfig config;
  config.width = 0.25;
  config.depth = 0.1;
  config.embedding_size = 16;
  config.similarity = SimilarityKind::bilinear;
  config.similarity_init = SimilarityInit::identity;
  return config;
}

inline TrainingConfig small_training_config() {
  TrainingConfig config;
  config.pairs_per_step = 8;
  config.pairs_per_group = 2;
  config.epochs = 2;
  config.learning_rate = 2e-3;
  config.recompute_statistics = 2;
  config.log_every_steps = 1;
  config.device = DeviceChoice::cpu;
  config.loader.num_threads = 2;
  config.checkpoint.every_steps = 3;
  return config;
}

// A window is known by the levels of its bands; the two views add draws of their own.
class SyntheticSource : public PairSource {
 public:
  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    uint32_t view = 0;
    for (const std::span<float> out : {anchor, positive}) {
      PhiloxStream levels(99, DrawPurpose::noise, 0, static_cast<uint64_t>(window), 0);
      PhiloxStream draws(99, DrawPurpose::noise, 1 + view++, static_cast<uint64_t>(window),
                         static_cast<uint64_t>(epoch));
      float level = 0.0f;
      for (size_t i = 0; i < out.size(); ++i) {
        if (i % static_cast<size_t>(kSmallShape.frames) == 0) level = levels.next_normal();
        out[i] = -40.0f + 15.0f * level + 4.0f * draws.next_normal();
      }
    }
  }
};

inline TrainingData synthetic_data(int64_t num_train, int64_t num_valid) {
  TrainingData data;
  data.shape = kSmallShape;
  data.num_train_windows = num_train;
  data.num_valid_windows = num_valid;
  data.make_train_source = [] { return std::make_unique<SyntheticSource>(); };
  data.make_valid_source = data.make_train_source;
  return data;
}

// The pairs of positions [first, first + count) of a made-up step.
inline Batch synthetic_batch(int64_t first, int64_t count) {
  std::vector<int64_t> windows(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) windows[static_cast<size_t>(i)] = 3 * (first + i) + 1;
  return PairReader(kSmallShape, 1, [] { return std::make_unique<SyntheticSource>(); })
      .read(windows, 5);
}

}  // namespace cocola::testing
