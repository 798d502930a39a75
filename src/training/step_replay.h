// The same step again and again from the same memory, which a GPU can record and play.
#pragma once
#include <memory>

#include "batches/batch.h"
#include "comm/communicator.h"
#include "comm/replay.h"
#include "model/cocola_model.h"
#include "training/adam.h"
#include "training/flat_parameters.h"
#include "training/step_inputs.h"
#include "training/train_step.h"
#include "training/training_config.h"

namespace cocola {

// Everything from the forward pass to the update is played; batch, draws, wishes and learning rate
// come into the memory they are read from before.
//
// Law: the reports and updates of the function train_step; on the CPU the same bits.
class StepReplay {
 public:
  // All are kept by reference; `world` must outlive this. Requires: config.groups_in_memory is 0.
  StepReplay(CocolaModel& model, FlatParameters& flat, Adam& adam, const TrainingConfig& config,
             Communicator& world);
  // A batch of another shape is recorded anew. Collective: every rank, with its slice.
  StepReport train_step(const Batch& batch, double learning_rate, StepWishes wishes);

 private:
  CocolaModel& model_;
  FlatParameters& flat_;
  Adam& adam_;
  const TrainingConfig& config_;
  Communicator& world_;
  StepInputs inputs_;
  at::Tensor told_;  // for the report, on the device
  std::unique_ptr<Replay> replay_;
};

}  // namespace cocola
