// The loop around the step: epochs, validation, checkpoints, logs, stopping.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "batches/pair_source.h"
#include "batches/sampler.h"
#include "comm/communicator.h"
#include "model/cocola_model.h"
#include "model/model_file.h"
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

// Where a run leaves its files, and how it is known again.
struct RunDirectory {
  std::filesystem::path path;
  std::string fingerprint;  // digest of the settings that must not change over a resume
  std::string config_yaml;  // written to <path>/config.yaml once the fingerprint is found to fit
};

enum class TrainingEnd { finished, stopped };

// Trains from the newest checkpoint in <directory>/checkpoints, or from the model's initial
// weights, and exports <directory>/model.safetensors. `card` is completed with the step and written
// with the model.
//
// A checkpoint holds the state after its step and before the validation of that step; a run that
// continues validates first when that is due.
//
// Collective: every rank. `host` moves host tensors, `device` tensors of the model's device (may be
//             the same).
// Throws:     Error when another process works in the directory.
// Law:        a run that was stopped and continued leaves the same checkpoints, log and model as
//             one that was not.
TrainingEnd train(CocolaModel& model, const TrainingData& data, const TrainingConfig& config,
                  ModelCard card, const RunDirectory& directory, Communicator& host,
                  Communicator& device);

}  // namespace cocola
