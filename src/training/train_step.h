// One update by the whole world: forward, gather, loss, backward, reduce, update.
#pragma once
#include <cstdint>

#include "batches/batch.h"
#include "comm/communicator.h"
#include "model/cocola_model.h"
#include "objective/contrastive_loss.h"
#include "training/adam.h"
#include "training/flat_parameters.h"
#include "training/step_inputs.h"
#include "training/training_config.h"

namespace cocola {

struct StepReport : LossFigures {
  double gradient_norm = 0.0;
  bool finite = true;    // else the step changed nothing, on any rank
  bool stop = false;     // some rank was told to stop
  bool time_up = false;  // rank 0's clock says so
};

// The whole step at once; a training prepares the next one between queue_step and end_step.
// Collective: every rank, with its slice of the step. `world` moves tensors of the model's device.
// Law: 1, 2 and 4 ranks on one global batch give the same update to rounding; a step whose loss,
//      gradient or statistics are not finite changes neither parameters, moments nor running
//      statistics, and all ranks report it.
StepReport train_step(CocolaModel& model, FlatParameters& flat, Adam& adam, const Batch& batch,
                      const TrainingConfig& config, double learning_rate, StepWishes wishes,
                      Communicator& world);

// Forward and backward only: fills flat.reduced(), summed over ranks. For tests.
// Collective.
StepReport compute_gradients(CocolaModel& model, FlatParameters& flat, const Batch& batch,
                             const TrainingConfig& config, StepWishes wishes, Communicator& world);

// All of a step on its device, which returns what the report is read from. On a GPU it only queues
// work, always the same for inputs of one shape, so that the work can be recorded.
// Collective: every rank.
at::Tensor queue_step(CocolaModel& model, FlatParameters& flat, Adam& adam,
                      const StepInputs& inputs, const TrainingConfig& config, Communicator& world);
// Waits for a queued step, and counts it if it happened.
StepReport end_step(const at::Tensor& told, Adam& adam);

// Replaces the running statistics by their mean over the groups of some training steps: after few
// steps the running average has not yet forgotten its start. Parameters stay as they are.
class StatisticsRecomputation {
 public:
  StatisticsRecomputation(CocolaModel& model, FlatParameters& flat, const TrainingConfig& config);
  // Leaves out a step whose statistics are not finite. Collective: every rank, with its slice of
  // one step.
  void add(const Batch& batch, Communicator& world);
  // Changes nothing when no step was added.
  void finish();

 private:
  CocolaModel& model_;
  FlatParameters& flat_;
  const TrainingConfig& config_;
  at::Tensor sum_;
  int64_t num_steps_ = 0;
};

}  // namespace cocola
