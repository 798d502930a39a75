// The same step again and again from the same memory, which a GPU can record and play.
#pragma once
#include <memory>

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
// Law: what the function queue_step does; on the CPU the same bits.
class StepReplay {
 public:
  // All are kept by reference; `world` must outlive this. Requires: config.groups_in_memory is 0.
  StepReplay(CocolaModel& model, FlatParameters& flat, Adam& adam, const TrainingConfig& config,
             Communicator& world);
  // As the function. Inputs of another shape are recorded anew. Collective: every rank.
  at::Tensor queue_step(const StepInputs& inputs);

 private:
  CocolaModel& model_;
  FlatParameters& flat_;
  Adam& adam_;
  const TrainingConfig& config_;
  Communicator& world_;
  StepInputs inputs_;
  at::Tensor told_;
  std::unique_ptr<Replay> replay_;
};

}  // namespace cocola
