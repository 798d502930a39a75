// A small model file with weights that carry their input through, and whose card is right.
#pragma once
#include <filesystem>
#include <string>

#include "features/feature_settings.h"
#include "model/golden_weights.h"
#include "model/model_file.h"

namespace cocola::testing {

inline constexpr int64_t kSmallRateHz = 16000;

inline ModelCard small_card(FeatureKind kind = FeatureKind::hps) {
  const FeatureConfig features{.kind = kind};
  ModelCard card;
  card.model.width = 0.25;
  card.model.depth = 0.1;
  card.model.embedding_size = 16;
  card.feature_kind = to_string(kind);
  card.feature_fingerprint = features.fingerprint();
  card.feature_description = features.description();
  card.feature_settings = feature_settings_to_json(features);
  card.sample_rate_hz = kSmallRateHz;
  card.window_seconds = 0.5;
  card.step = 77;
  card.config_yaml = "experiment: x\ntraining:\n  epochs: 3\n";
  return card;
}

inline std::filesystem::path write_model(const std::filesystem::path& path, const ModelCard& card,
                                         int64_t in_channels) {
  CocolaModel model(card.model, in_channels, 1);
  fill_with_golden_weights(model, 1);
  write_model_file(path, model, card);
  return path;
}

inline std::filesystem::path write_small_model(const std::filesystem::path& path,
                                               FeatureKind kind = FeatureKind::hps) {
  return write_model(path, small_card(kind), kind == FeatureKind::hps ? 2 : 1);
}

}  // namespace cocola::testing
