// One experiment: every setting of every program, gathered from the folders that own them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/dataset_config.h"
#include "features/feature_config.h"
#include "model/model_config.h"
#include "stems/window.h"
#include "training/training_config.h"

namespace cocola {

// What becomes of a track that cannot be read, or has too few stems.
enum class OnBadTrack { fail, skip };

struct DataConfig {
  std::vector<DatasetConfig> datasets;
  // fail: the first bad track ends preprocessing. skip: bad tracks are left out and listed, with
  // the reason, in the manifest.
  OnBadTrack on_bad_track = OnBadTrack::fail;
  // Directory of the shards and their manifest.
  std::string shards = "shards";
  // Rate to which stems are resampled, Hz. Range [1000, 96000].
  int64_t sample_rate_hz = 16000;
  WindowConfig window;
  // What shards hold; at least one of them.
  bool store_stems = true, store_features = false;
  // Precomputed sub-mix pairs per window when features are stored. Range [1, 10000].
  int64_t pairs_per_window = 1;
  // Tracks in one shard. Range [1, 100000].
  int64_t tracks_per_shard = 16;
  // Seed of precomputed sub-mixes.
  uint64_t seed = 1;

  void validate() const;
  bool operator==(const DataConfig&) const = default;
};

struct EvaluationConfig {
  std::string split = "test";  // train | valid | test
  // Numbers of candidates for which accuracy is reported. 1 to 64 different numbers in [2, 65536].
  std::vector<int64_t> k = {2, 8, 16, 64};
  // Hop between the windows of a long file when scoring, as a share of the window. Range [0.01, 1].
  double hop = 0.5;
  // Decides the sub-mixes of an evaluation, its untrained network and its resampling: models of
  // different training seeds are measured on the same pairs.
  uint64_t seed = 1;

  void validate() const;
  bool operator==(const EvaluationConfig&) const = default;
};

struct RunConfig {
  // Output goes to runs/<experiment>/. 1 to 100 of letters, digits, '.', '_' and '-'; starts with a
  // letter or digit.
  std::string experiment = "run";
  DataConfig data;
  FeatureConfig features;
  ModelConfig model;
  TrainingConfig training;
  EvaluationConfig evaluation;

  // Checks every field and the fields against each other. Throws: UsageError naming key, value,
  // allowed range.
  void validate() const;
  int64_t window_samples() const { return data.window.window_samples(data.sample_rate_hz); }
  bool operator==(const RunConfig&) const = default;
};

}  // namespace cocola
