// One update by the whole world: forward, gather, loss, backward, reduce, update.
#pragma once
#include <cstdint>

#include "batches/batch.h"
#include "comm/communicator.h"
#include "model/cocola_model.h"
#include "training/adam.h"
#include "training/flat_parameters.h"
#include "training/training_config.h"

namespace cocola {

struct StepReport {
  double loss = 0.0, accuracy = 0.0,
         max_similarity = 0.0;  // over the whole step, equal on every rank
  double gradient_norm = 0.0;
  bool stop = false;  // a rank was asked to stop
};

// Collective: every rank, with its slice of the step. `world` moves tensors of the model's device.
// stop_requested: this rank wants to stop; the wish travels with the gradients, so that all stop
// together. Throws: Error on every rank when loss or gradient is not finite; the parameters are
// then unchanged. Law:    1, 2 and 4 ranks on one global batch give the same update to rounding.
StepReport train_step(CocolaModel& model, FlatParameters& flat, Adam& adam, const Batch& batch,
                      const TrainingConfig& config, double learning_rate, bool stop_requested,
                      Communicator& world);

// Forward and backward only: fills flat.reduced(), summed over ranks. For train_step and for tests.
StepReport compute_gradients(CocolaModel& model, FlatParameters& flat, const Batch& batch,
                             const TrainingConfig& config, bool stop_requested,
                             Communicator& world);

// Replaces the running statistics by their mean over the batches' groups, without touching
// parameters. Call for each of several batches with the same flat: accumulate, then finish.
// Collective.
class StatisticsRecomputation {
 public:
  StatisticsRecomputation(CocolaModel& model, FlatParameters& flat, const TrainingConfig& config);
  void add(const Batch& batch, Communicator& world);
  void finish();

 private:
  CocolaModel& model_;
  FlatParameters& flat_;
  const TrainingConfig& config_;
  at::Tensor sum_;
  int64_t num_batches_ = 0;
};

}  // namespace cocola
