// Settings of training. All sizes are for the whole world.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>

#include "batches/augment.h"
#include "batches/batch_loader.h"
#include "comm/communicator.h"

namespace cocola {

enum class Precision { fp32, tf32, bf16 };
enum class DeviceChoice { automatic, cuda, cpu };
enum class LearningRateSchedule { constant, cosine };
// fast: any world size gives the same training to rounding.
enum class Reproducibility { fast };

struct CheckpointConfig {
  // A checkpoint each time this many steps are done, at the end, and on a stop. Range [1, 1e9].
  int64_t every_steps = 1000;
  // Newest checkpoints kept. Range [1, 1000].
  int64_t keep = 3;

  bool operator==(const CheckpointConfig&) const = default;
};

struct TrainingConfig {
  SourceKind source = SourceKind::stems;
  // K: pairs of one step over the whole world, each anchor's K - 1 negatives included. Range [2,
  // 65536].
  int64_t pairs_per_step = 32;
  // g: pairs that share batch statistics. Divides pairs_per_step. Range [1, 65536].
  int64_t pairs_per_group = 32;
  // Groups whose activations a rank keeps at once when not 0; further ones are computed twice, so
  // that a card of any size trains with all pairs_per_step. Range [0, 65536].
  int64_t groups_in_memory = 0;
  // Passes over the training windows. Range [1, 1e6].
  int64_t epochs = 100;
  // Stops after this many steps when not 0. Range [0, 1e12].
  int64_t max_steps = 0;
  // Stops after this many minutes of training when not 0, as if all steps were done. Range [0,
  // 1e6].
  double max_minutes = 0.0;
  // Adam's learning rate. Range (0, 1].
  double learning_rate = 1e-3;
  // constant, or cosine from learning_rate down to 1 % of it at the last step.
  LearningRateSchedule schedule = LearningRateSchedule::constant;
  // Steps of linear warm-up. Range [0, 1e9].
  int64_t warmup_steps = 0;
  Precision precision = Precision::fp32;
  Reproducibility reproducible = Reproducibility::fast;
  uint64_t seed = 1;
  DeviceChoice device = DeviceChoice::automatic;
  // Batch-norm statistics are recomputed over this many training steps before each validation and
  // export; 0 leaves the running statistics of training. Range [0, 10000].
  int64_t recompute_statistics = 20;
  // Validation after each so many steps; 0 means once an epoch. Range [0, 1e9].
  int64_t validate_every_steps = 0;
  // Validation windows used at most: rank 0 holds the similarities of all their pairs. Range [2,
  // 32768].
  int64_t validation_windows = 2000;
  // A line of log.jsonl each so many steps. Range [1, 1e9].
  int64_t log_every_steps = 10;
  // Steps of the whole run that may be left out because a loss, gradient or statistic is not
  // finite; one more ends the run. Range [0, 1e9].
  int64_t max_skipped_steps = 0;
  CheckpointConfig checkpoint;
  LoaderConfig loader;
  AugmentConfig augment;
  CommConfig comm;

  void validate() const;
  // Throws: UsageError listing the allowed world sizes unless world_size * pairs_per_group divides
  // pairs_per_step.
  void validate_world(int64_t world_size) const;
  int64_t groups_per_step() const { return pairs_per_step / pairs_per_group; }
  // Of a rank's num_pairs, those whose activations it keeps at once.
  int64_t pairs_in_memory(int64_t num_pairs) const {
    if (groups_in_memory == 0) return num_pairs;
    return std::min(num_pairs, groups_in_memory * pairs_per_group);
  }
  // Learning rate of a step in [0, last_step); last_step is exclusive.
  double learning_rate_at(int64_t step, int64_t last_step) const;
  bool operator==(const TrainingConfig&) const = default;
};

}  // namespace cocola
