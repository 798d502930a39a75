// The loop around the step: epochs, validation, checkpoints, logs, stopping.
#pragma once
#include <filesystem>
#include <string>

#include "comm/communicator.h"
#include "model/cocola_model.h"
#include "model/model_file.h"
#include "training/training_config.h"
#include "training/training_data.h"

namespace cocola {

// Where a run leaves its files, and how it is known again.
struct RunDirectory {
  std::filesystem::path path;
  std::string fingerprint;  // digest of the settings that must not change over a resume
  std::string config_yaml;  // written to <path>/config.yaml once the fingerprint is found to fit
};

enum class TrainingEnd { finished, stopped };

// Trains from the newest checkpoint in <directory>/checkpoints, or from the model's initial
// weights, and exports <directory>/model.safetensors. The state of the most accurate validation so
// far is exported as <directory>/best.safetensors. `card` is completed with the step and its
// accuracy, and written with each model.
//
// A step that is not finite changes nothing; it is counted, logged and left out, or ends the run:
// see training.max_skipped_steps.
//
// A checkpoint holds the state after its step and before the validation of that step; a run that
// continues validates first when that is due.
//
// Collective: every rank. `host` moves host tensors, `device` tensors of the model's device (may be
//             the same).
// Throws:     Error when another process works in the directory; any Error says at its end what the
//             run was doing.
// Law:        a run that was stopped and continued leaves the same checkpoints, log and model as
//             one that was not.
TrainingEnd train(CocolaModel& model, const TrainingData& data, const TrainingConfig& config,
                  ModelCard card, const RunDirectory& directory, Communicator& host,
                  Communicator& device);

}  // namespace cocola
