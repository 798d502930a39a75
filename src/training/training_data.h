// What a run reads: its windows, and who delivers their pairs.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "batches/device_feed.h"
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
  // Set where the model's device mixes the training pairs and makes their `features`: batches are
  // then made of these stems, and make_train_source is not asked.
  std::function<std::unique_ptr<StemSource>()> make_train_stems;
  FeatureConfig features;
  std::function<std::unique_ptr<PairSource>()> make_valid_source;
};

// The order of the training windows. Throws: Error when a step has more pairs than there are.
Sampler sampler_of(const TrainingData& data, const TrainingConfig& config);

// The training batches of this rank in steps [first_step, end), for a model on `device`.
DeviceFeed open_feed(const TrainingData& data, const TrainingConfig& config,
                     const Communicator& world, int64_t first_step, int64_t end, at::Device device);

// The longest time without a pair, after which a loader gives up: before the other ranks do, since
// it knows why this one is late, and needs some seconds to say so.
double loader_seconds(const TrainingConfig& config);

}  // namespace cocola
