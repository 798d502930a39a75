// The encoder's part of a step, in pieces that fit into memory: as many negatives as the whole step
// has, activations of one piece. What is not kept is computed twice, with the same random numbers.
#pragma once
#include <ATen/core/Tensor.h>

#include "batches/batch.h"
#include "model/cocola_model.h"
#include "training/flat_parameters.h"
#include "training/training_config.h"

namespace cocola {

class StepEmbeddings {
 public:
  // Forward pass of this rank's pairs. With more groups than config.groups_in_memory (0: never) no
  // graph is kept. Adds each group's batch statistics, weighted, to flat.statistics(), once.
  // All arguments are kept by reference.
  StepEmbeddings(const CocolaModel& model, const FlatParameters& flat, const Batch& batch,
                 const TrainingConfig& config);

  // [B, D] each, in order of the batch.
  const at::Tensor& anchors() const { return anchors_; }
  const at::Tensor& positives() const { return positives_; }

  // Adds the gradient of the encoder's parameters to theirs, last piece first. Once.
  // Law: the same gradient for any size of pieces, to rounding.
  void backward(const at::Tensor& d_anchors, const at::Tensor& d_positives);

 private:
  // Pairs [first, last) of the batch.
  std::pair<at::Tensor, at::Tensor> embed(int64_t first, int64_t last,
                                          const at::Tensor& statistics) const;

  const CocolaModel& model_;
  const FlatParameters& flat_;
  const Batch& batch_;
  const TrainingConfig& config_;
  int64_t num_pairs_, piece_;
  at::Tensor anchors_, positives_;
};

}  // namespace cocola
