// Settings of training. All sizes are for the whole world.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>

#include "batches/augment.h"
#include "batches/batch_loader.h"
#include "comm/communicator.h"
#include "objective/contrastive_loss.h"

namespace cocola {

enum class Precision { fp32, tf32, bf16 };
enum class DeviceChoice { automatic, cuda, cpu };
// Where the features of training pairs are made: by the loader's threads, or on the device of the
// network, which is the same where that is the CPU.
enum class FeaturesOn { cpu, device };
// Channel masks in validation and in cocola_eval.
enum class ValidationMasks {
  none,
  // Those of AugmentConfig, drawn by the number of the window: the same in every validation. What
  // is measured then is another task (see MaskViews); logs and reports say so.
  as_training,
};
enum class LearningRateSchedule { constant, cosine };
enum class LearningRateScaling { none, sqrt };
// How equal two runs of the same settings and data are. fast: to rounding, for any world size.
// same_world: to the bit for equal world sizes, on the same kind of machine. invariant: to the bit
// for any world size.
enum class Reproducibility { fast, same_world, invariant };

struct CheckpointConfig {
  // A checkpoint each time this many steps are done, at the end, and on a stop. Range [1, 1e9].
  int64_t every_steps = 1000;
  // Newest checkpoints kept. Range [1, 1000].
  int64_t keep = 3;

  bool operator==(const CheckpointConfig&) const = default;
};

struct LossConfig {
  LossDirections directions = LossDirections::one;

  bool operator==(const LossConfig&) const = default;
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
  // none, or sqrt: learning_rate is that of a step of 32 pairs; one of K pairs takes
  // learning_rate * sqrt(K / 32), but no more than 4e-3.
  LearningRateScaling learning_rate_scaling = LearningRateScaling::none;
  // constant, or cosine from the full rate down to 1 % of it at the last step.
  LearningRateSchedule schedule = LearningRateSchedule::constant;
  // Steps of linear warm-up. Range [0, 1e9].
  int64_t warmup_steps = 0;
  Precision precision = Precision::fp32;
  // invariant needs a number of groups that is a power of two.
  Reproducibility reproducible = Reproducibility::fast;
  // Threads of a rank's tensor operations on the CPU; 0: its share of the cores, or 1 where runs
  // are to be invariant, because the number decides bits. Range [0, 1024].
  int64_t threads_per_rank = 0;
  uint64_t seed = 1;
  DeviceChoice device = DeviceChoice::automatic;
  // device needs source: stems. The GPU then mixes them and adds noise, with the bits of the CPU,
  // and makes features that are equal to rounding. Validation makes its features on the CPU.
  FeaturesOn features_on = FeaturesOn::cpu;
  // Each step but its update is recorded as a CUDA graph once and played from then on: for small
  // steps, which a GPU does faster than a CPU asks for them. Not with groups_in_memory. On the CPU
  // steps go through the same memory, and nothing is recorded.
  bool cuda_graph = false;
  // Batch-norm statistics are recomputed over this many training steps before each validation and
  // export; 0 leaves the running statistics of training. Range [0, 10000].
  int64_t recompute_statistics = 20;
  // Validation after each so many steps; 0 means once an epoch. Range [0, 1e9].
  int64_t validate_every_steps = 0;
  // Validation windows used at most: rank 0 holds the similarities of all their pairs. Range [2,
  // 32768].
  int64_t validation_windows = 2000;
  // as_training needs hps features: those of one channel have none to hide.
  ValidationMasks validation_masks = ValidationMasks::none;
  // A line of log.jsonl each so many steps. Range [1, 1e9].
  int64_t log_every_steps = 10;
  LossConfig loss;
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
  bool is_invariant() const { return reproducible == Reproducibility::invariant; }
  int64_t groups_per_step() const { return pairs_per_step / pairs_per_group; }
  // Of a rank's num_pairs, those whose activations it keeps at once.
  int64_t pairs_in_memory(int64_t num_pairs) const {
    if (groups_in_memory == 0) return num_pairs;
    return std::min(num_pairs, groups_in_memory * pairs_per_group);
  }
  // The rate after warm-up, before the schedule lowers it: learning_rate, scaled.
  double full_learning_rate() const;
  // Learning rate of a step in [0, last_step); last_step is exclusive.
  double learning_rate_at(int64_t step, int64_t last_step) const;
  bool operator==(const TrainingConfig&) const = default;
};

// What stands beside figures that are measured with masks, so that nobody compares them with
// others: "channel masks as in training: probability 0.667, same in both views". Empty for none.
std::string describe_validation_masks(const TrainingConfig& config);

}  // namespace cocola
