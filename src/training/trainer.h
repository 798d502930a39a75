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

// What a run needs besides its settings. The makers are called on loader threads.
struct TrainingData {
  FeatureShape shape;
  int64_t num_train_windows = 0;
  int64_t num_valid_windows = 0;
  std::function<std::unique_ptr<PairSource>()> make_train_source;
  std::function<std::unique_ptr<PairSource>()> make_valid_source;
};

enum class TrainingEnd { finished, stopped };

// Trains from the newest checkpoint in <directory>/checkpoints, or from the model's initial
// weights, and exports <directory>/model.safetensors. `card` is completed with the step and written
// with the model.
//
// Collective: every rank. `host` moves host tensors, `device` tensors of the model's device (may be
// the same). run_fingerprint: digest of the settings that must not change over a resume.
TrainingEnd train(CocolaModel& model, const TrainingData& data, const TrainingConfig& config,
                  ModelCard card, const std::filesystem::path& directory,
                  const std::string& run_fingerprint, Communicator& host, Communicator& device);

}  // namespace cocola
