// What a run reads: its windows, and who delivers their pairs.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "batches/batch_loader.h"
#include "batches/pair_reader.h"
#include "batches/pair_source.h"
#include "batches/sampler.h"
#include "comm/communicator.h"
#include "training/training_config.h"

namespace cocola {

// What a run needs besides its settings. The makers are called on loader threads, and keep alive
// what their sources use.
struct TrainingData {
  FeatureShape shape;
  int64_t num_train_windows = 0;
  int64_t num_valid_windows = 0;
  std::function<std::unique_ptr<PairSource>()> make_train_source;
  std::function<std::unique_ptr<PairSource>()> make_valid_source;
};

// The order of the training windows. Throws: Error when a step has more pairs than there are.
Sampler sampler_of(const TrainingData& data, const TrainingConfig& config);

// The training batches of this rank in steps [first_step, end).
std::unique_ptr<BatchLoader> open_loader(const TrainingData& data, const TrainingConfig& config,
                                         const Communicator& world, int64_t first_step,
                                         int64_t end);

// The longest time without a pair, after which a loader gives up: before the other ranks do, since
// it knows why this one is late, and needs some seconds to say so.
double loader_seconds(const TrainingConfig& config);

}  // namespace cocola
