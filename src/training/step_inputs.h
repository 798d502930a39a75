// What a step reads beside the state of the run. All that differs between two steps is here, so
// that what is computed from it can be recorded once and played again.
#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "batches/batch.h"
#include "model/cocola_model.h"
#include "training/training_config.h"

namespace cocola {

// What this rank wants; it travels with the gradients, so that all ranks end after the same step.
// Only rank 0 looks at the clock: checkpoints carry its time.
struct StepWishes {
  bool stop = false, time_up = false;
};

struct StepInputs {
  at::Tensor anchors, positives;  // [B, C, M, F]; those of steps in pieces may lie on the host
  KeptRows kept;                  // of each group of the rank, on the model's device
  at::Tensor wishes;              // [FlatParameters::kExtra] float32, there too
  at::Tensor learning_rate;       // [] float64, there too

  // A copy on `device` with memory of its own.
  StepInputs copied_to(at::Device device) const;
  bool has_shapes_of(const StepInputs& other) const;
  // Shapes: those of `other`.
  void copy_from(const StepInputs& other);
};

// What dropout and drop-connect leave of a batch: decided by its epoch and windows alone, so that
// it can be drawn while the batch is made. On the host, page-locked for a model on a GPU.
KeptRows draw_kept_rows(const CocolaModel& model, const Batch& batch, const TrainingConfig& config);

// kept: as drawn for the batch.
StepInputs step_inputs(const CocolaModel& model, const Batch& batch, const KeptRows& kept,
                       double learning_rate, StepWishes wishes);

// With draws of its own.
StepInputs step_inputs(const CocolaModel& model, const Batch& batch, const TrainingConfig& config,
                       double learning_rate = 0.0, StepWishes wishes = {});

}  // namespace cocola
