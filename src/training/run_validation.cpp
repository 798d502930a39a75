#include "training/run_validation.h"

#include <ATen/ops/full.h>

#include <algorithm>
#include <vector>

#include "base/process.h"
#include "training/train_step.h"

namespace cocola {
namespace {

// No gradient carries the wish here.
bool stop_wanted(Communicator& host) {
  const at::Tensor wishes = at::full({1}, int64_t{stop_requested()}, at::kLong);
  host.all_reduce_sum(wishes);
  return wishes.item<int64_t>() > 0;
}

// False when told to stop.
bool recompute_statistics(CocolaModel& model, FlatParameters& flat, int64_t step,
                          const TrainingData& data, const TrainingConfig& config,
                          Communicator& host, Communicator& device) {
  if (config.recompute_statistics == 0) return true;
  const int64_t first = std::max<int64_t>(0, step - config.recompute_statistics);
  DeviceFeed feed = open_feed(data, config, host, first, step, model.device());
  StatisticsRecomputation recomputation(model, flat, config);
  for (int64_t i = first; i < step; ++i) {
    if (stop_wanted(host)) return false;
    const Batch batch = feed.next(loader_seconds(config));
    feed.begin_next();
    recomputation.add(batch, device);
  }
  recomputation.finish();
  return true;
}

ValidationOutcome validate_windows(const CocolaModel& model, const TrainingData& data,
                                   const TrainingConfig& config, Communicator& host) {
  const int64_t num_windows = num_validation_windows(data, config);
  if (num_windows < 2) return {};
  // A fixed shuffle, so that a block of candidates holds windows of many tracks.
  std::vector<int64_t> windows(static_cast<size_t>(num_windows));
  for (int64_t i = 0; i < num_windows; ++i) {
    windows[static_cast<size_t>(i)] =
        permuted_index(i, data.num_valid_windows, config.seed, kEvaluationEpoch);
  }
  const int64_t threads =
      config.loader.num_threads > 0 ? config.loader.num_threads : available_cores();
  PairReader reader(data.shape, threads, data.make_valid_source, loader_seconds(config));
  if (config.validation_masks == ValidationMasks::as_training) {
    reader.draw_masks(config.augment, config.seed);
  }
  const WindowEmbeddings embeddings = embed_windows(model, reader, windows, config.precision, host,
                                                    [&host] { return stop_wanted(host); });
  if (!embeddings.anchors.defined()) return {true, {}};
  if (!host.is_rank_zero()) return {};
  return {false, validate(embeddings, model, config.pairs_per_step)};
}

}  // namespace

int64_t num_validation_windows(const TrainingData& data, const TrainingConfig& config) {
  return std::min(data.num_valid_windows, config.validation_windows);
}

ValidationOutcome validate_run(CocolaModel& model, FlatParameters& flat, int64_t step,
                               const TrainingData& data, const TrainingConfig& config,
                               Communicator& host, Communicator& device) {
  const at::Tensor running = flat.running().clone();
  ValidationOutcome outcome{true, {}};
  if (recompute_statistics(model, flat, step, data, config, host, device)) {
    outcome = validate_windows(model, data, config, host);
  }
  if (outcome.stopped) flat.running().copy_(running);
  return outcome;
}

}  // namespace cocola
