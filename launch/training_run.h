// What the trainer program prepares around the loop: the world's arithmetic, the data, the model's
// card.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "comm/communicator.h"
#include "config/run_config.h"
#include "model/cocola_model.h"
#include "model/model_file.h"
#include "shards/shard_set.h"
#include "training/trainer.h"

namespace cocola {

// The shards of a run, checked against its configuration.
struct OpenData {
  std::shared_ptr<const ShardSet> train, valid;  // valid is null when the split has no windows
  TrainingData training;
};

// The digests of all shards are recomputed first; the ranks share that work and wait for each
// other, at most five minutes and one second for each 20 MB of the shards. device: the model's.
//
// Collective: every rank.
// Throws: Error or UsageError naming shard, key and values when shards and configuration disagree.
OpenData open_training_data(const RunConfig& config, Communicator& host, at::Device device);

// The CPU, or the GPU of this rank. Throws: UsageError when CUDA is asked for and absent; Error
// when there are fewer GPUs than ranks on this host.
at::Device choose_device(DeviceChoice choice, const Communicator& host);

// Digest of what must not change when a run is resumed: settings that decide the mathematics, and
// the data.
std::string run_fingerprint(const RunConfig& config);

ModelCard model_card(const RunConfig& config, const ShardSet& train);

// The lines of the start screen: data, batch arithmetic, network and an estimate of memory for each
// rank.
std::vector<std::string> describe_run(const RunConfig& config, const OpenData& data,
                                      const CocolaModel& model, int64_t world_size);

}  // namespace cocola
