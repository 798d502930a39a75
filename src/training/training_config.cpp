#include "training/training_config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.h"

namespace cocola {
namespace {

// The cosine schedule ends at this share of the learning rate.
constexpr double kFinalShare = 0.01;
// The published step, for which learning rates are stated, and the largest rate that scaling gives.
constexpr double kPublishedPairs = 32.0, kLargestScaledRate = 4e-3;

}  // namespace

void TrainingConfig::validate() const {
  require_range<int64_t>("training.pairs_per_step", pairs_per_step, 2, 65536);
  require_range<int64_t>("training.pairs_per_group", pairs_per_group, 1, 65536);
  if (pairs_per_step % pairs_per_group != 0) {
    fail_usage("training.pairs_per_group",
               "{} does not divide training.pairs_per_step {}: a step is made of whole groups",
               pairs_per_group, pairs_per_step);
  }
  require_range<int64_t>("training.groups_in_memory", groups_in_memory, 0, 65536);
  if (is_invariant() && !std::has_single_bit(static_cast<uint64_t>(groups_per_step()))) {
    fail_usage("training.reproducible",
               "invariant sums over groups in a binary tree, and needs a power of two of them; "
               "training.pairs_per_step {} in groups of {} are {}",
               pairs_per_step, pairs_per_group, groups_per_step());
  }
  if (features_on == FeaturesOn::device && source == SourceKind::features) {
    fail_usage("training.features_on",
               "device makes features of stems, but training.source: features reads them ready "
               "from the shards; set training.source to stems, or training.features_on to cpu");
  }
  if (cuda_graph && groups_in_memory != 0) {
    fail_usage("training.cuda_graph",
               "a recorded step holds all pairs of its rank in memory, but "
               "training.groups_in_memory is {}; set it to 0, or training.cuda_graph to false",
               groups_in_memory);
  }
  require_range<int64_t>("training.threads_per_rank", threads_per_rank, 0, 1024);
  require_range<int64_t>("training.epochs", epochs, 1, 1'000'000);
  require_range<int64_t>("training.max_steps", max_steps, 0, 1'000'000'000'000);
  require_range("training.max_minutes", max_minutes, 0.0, 1e6);
  if (!(learning_rate > 0.0 && learning_rate <= 1.0)) {
    fail_usage("training.learning_rate", "{} is outside (0, 1]", learning_rate);
  }
  require_range<int64_t>("training.warmup_steps", warmup_steps, 0, 1'000'000'000);
  require_range<int64_t>("training.recompute_statistics", recompute_statistics, 0, 10'000);
  require_range<int64_t>("training.validate_every_steps", validate_every_steps, 0, 1'000'000'000);
  require_range<int64_t>("training.validation_windows", validation_windows, 2, 32'768);
  require_range<int64_t>("training.log_every_steps", log_every_steps, 1, 1'000'000'000);
  require_range<int64_t>("training.max_skipped_steps", max_skipped_steps, 0, 1'000'000'000);
  require_range<int64_t>("training.checkpoint.every_steps", checkpoint.every_steps, 1,
                         1'000'000'000);
  require_range<int64_t>("training.checkpoint.keep", checkpoint.keep, 1, 1000);
  loader.validate();
  augment.validate();
  comm.validate();
}

void TrainingConfig::validate_world(int64_t world_size) const {
  const int64_t groups = groups_per_step();
  if (world_size >= 1 && groups % world_size == 0) return;
  std::vector<int64_t> allowed;
  for (int64_t size = 1; size <= groups; ++size) {
    if (groups % size == 0) allowed.push_back(size);
  }
  fail_usage("training.pairs_per_step",
             "{} pairs in groups of {} are {} groups, which {} ranks cannot share equally; allowed "
             "world sizes: {}",
             pairs_per_step, pairs_per_group, groups, world_size, fmt::join(allowed, ", "));
}

double TrainingConfig::full_learning_rate() const {
  if (learning_rate_scaling == LearningRateScaling::none) return learning_rate;
  const double growth = std::sqrt(static_cast<double>(pairs_per_step) / kPublishedPairs);
  return std::min(learning_rate * growth, kLargestScaledRate);
}

double TrainingConfig::learning_rate_at(int64_t step, int64_t last_step) const {
  const double full = full_learning_rate();
  if (step < warmup_steps) {
    return full * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  }
  if (schedule == LearningRateSchedule::constant) return full;
  const int64_t decaying = std::max<int64_t>(1, last_step - 1 - warmup_steps);
  const double done =
      std::min(1.0, static_cast<double>(step - warmup_steps) / static_cast<double>(decaying));
  const double share = 0.5 * (1.0 + std::cos(std::numbers::pi * done));
  return full * (kFinalShare + (1.0 - kFinalShare) * share);
}

std::string describe_validation_masks(const TrainingConfig& config) {
  if (config.validation_masks == ValidationMasks::none) return "";
  return fmt::format(
      "channel masks as in training: probability {:.3f}, {}", config.augment.mask_probability,
      config.augment.mask_views == MaskViews::same ? "same in both views" : "one for each view");
}

}  // namespace cocola
