// The same step again and again from the same memory, which a GPU can record and play.
#pragma once
#include <memory>

#include "batches/batch.h"
#include "comm/communicator.h"
#include "comm/replay.h"
#include "model/cocola_model.h"
#include "training/flat_parameters.h"
#include "training/step_inputs.h"
#include "training/train_step.h"
#include "training/training_config.h"

namespace cocola {

// Forward pass, gathers, loss, backward pass, reduction and figures are played; batches and draws
// come into the memory they are read from before, and the update, four operations, follows the
// report, which says whether there is one.
//
// Law: the report and gradients of compute_gradients(); on the CPU the same bits.
class StepReplay {
 public:
  // All are kept by reference; `world` must outlive this. Requires: config.groups_in_memory is 0.
  StepReplay(CocolaModel& model, FlatParameters& flat, const TrainingConfig& config,
             Communicator& world);
  // A batch of another shape is recorded anew. Collective: every rank, with its slice.
  StepReport compute_gradients(const Batch& batch, StepWishes wishes);
  // As the function train_step. Collective: as above.
  StepReport train_step(Adam& adam, const Batch& batch, double learning_rate, StepWishes wishes);

 private:
  CocolaModel& model_;
  FlatParameters& flat_;
  const TrainingConfig& config_;
  Communicator& world_;
  StepInputs inputs_;
  at::Tensor told_;  // for the report, on the device
  std::unique_ptr<Replay> replay_;
};

}  // namespace cocola
