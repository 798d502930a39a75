// The long work between steps: batch statistics are renewed, held-out windows told apart.
#pragma once
#include <cstdint>
#include <optional>

#include "comm/communicator.h"
#include "model/cocola_model.h"
#include "training/flat_parameters.h"
#include "training/training_config.h"
#include "training/training_data.h"
#include "training/validation.h"

namespace cocola {

struct ValidationOutcome {
  bool stopped = false;                    // a rank was told to stop; equal on all ranks
  std::optional<ValidationReport> report;  // rank 0, when there are windows
};

// The validation windows of a run that are used; fewer than two make no validation.
int64_t num_validation_windows(const TrainingData& data, const TrainingConfig& config);

// Validates the state after `step`. The running statistics are then those of the steps before it,
// as training.recompute_statistics says; after a stop they are as they were.
//
// Collective: every rank.
ValidationOutcome validate_run(CocolaModel& model, FlatParameters& flat, int64_t step,
                               const TrainingData& data, const TrainingConfig& config,
                               Communicator& host, Communicator& device);

}  // namespace cocola
