#include "config/run_config.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "config/plain_name.h"

namespace cocola {
namespace {

constexpr size_t kMostCandidateCounts = 64;

// The name becomes a directory, so it can be neither hidden nor leave runs/.
void validate_experiment(const std::string& name) {
  if (is_plain_name(name)) return;
  fail_usage("experiment",
             "'{}' is not a name of 1 to {} letters, digits, '.', '_' and '-' that starts with a "
             "letter or digit",
             name.substr(0, kLongestName), kLongestName);
}

// The network halves both axes five times.
void validate_feature_sizes(const FeatureShape& shape) {
  constexpr int64_t kSmallest = 32;
  if (shape.mel_bins < kSmallest) {
    fail_usage("features.mel_bins", "{} is too few: the network needs at least {}", shape.mel_bins,
               kSmallest);
  }
  if (shape.frames < kSmallest) {
    fail_usage("features.hop_samples",
               "a window has {} frames, the network needs at least {}; shorten "
               "features.hop_samples or lengthen data.window_seconds",
               shape.frames, kSmallest);
  }
}

void validate_source(const TrainingConfig& training, const DataConfig& data) {
  if (training.source == SourceKind::stems && !data.store_stems) {
    fail_usage("training.source",
               "stems, but data.store holds only features; add stems to data.store, or set "
               "training.source: features");
  }
  if (training.source == SourceKind::features && !data.store_features) {
    fail_usage("training.source",
               "features, but data.store holds only stems; add features to data.store, or set "
               "training.source: stems");
  }
  if (training.source == SourceKind::features && training.augment.noise_std > 0.0) {
    fail_usage("training.augment.noise_std",
               "{} with training.source: features; noise belongs on waveforms, which precomputed "
               "features no longer have; set training.augment.noise_std: 0, or training.source: "
               "stems",
               training.augment.noise_std);
  }
}

void validate_masks(const TrainingConfig& training, const FeatureConfig& features) {
  if (training.validation_masks == ValidationMasks::none || features.kind == FeatureKind::hps) {
    return;
  }
  fail_usage("training.validation_masks",
             "as_training, but mel features have one channel, and none to hide; set none, or "
             "features.kind: hps");
}

}  // namespace

void DataConfig::validate() const {
  for (size_t i = 0; i < datasets.size(); ++i) {
    datasets[i].validate(fmt::format("data.datasets.{}", i));
  }
  if (shards.empty()) fail_usage("data.shards", "is empty: the directory of the shards");
  require_range<int64_t>("data.sample_rate_hz", sample_rate_hz, 1000, 96'000);
  window.validate();
  if (!store_stems && !store_features) {
    fail_usage("data.store", "is empty; choose stems, features or both");
  }
  require_range<int64_t>("data.pairs_per_window", pairs_per_window, 1, 10'000);
  require_range<int64_t>("data.tracks_per_shard", tracks_per_shard, 1, 100'000);
}

void EvaluationConfig::validate() const {
  if (split != "train" && split != "valid" && split != "test") {
    fail_usage("evaluation.split", "'{}' is not one of train, valid, test", split);
  }
  if (k.empty() || k.size() > kMostCandidateCounts) {
    fail_usage("evaluation.k", "has {} numbers; 1 to {} are allowed", k.size(),
               kMostCandidateCounts);
  }
  for (const int64_t candidates : k) {
    require_range<int64_t>("evaluation.k", candidates, 2, 65'536);
  }
  if (std::set(k.begin(), k.end()).size() != k.size()) {
    fail_usage("evaluation.k", "names a number of candidates twice");
  }
  require_range("evaluation.hop", hop, 0.01, 1.0);
}

void RunConfig::validate() const {
  validate_experiment(experiment);
  data.validate();
  features.validate();
  model.validate();
  training.validate();
  evaluation.validate();
  if (features.sample_rate_hz != data.sample_rate_hz) {
    fail_usage("data.sample_rate_hz", "{}, but the features are made for {} Hz",
               data.sample_rate_hz, features.sample_rate_hz);
  }
  if (window_samples() < features.fft_size) {
    fail_usage("data.window_seconds",
               "{} s are {} samples, fewer than features.fft_size {}; lengthen the window or "
               "shorten the transform",
               data.window.window_seconds, window_samples(), features.fft_size);
  }
  validate_feature_sizes(features.shape(window_samples()));
  validate_source(training, data);
  validate_masks(training, features);
}

}  // namespace cocola
