// The encoder's part of a step, in pieces that fit into memory: as many negatives as the whole step
// has, activations of one piece. What is not kept is computed twice, with the same random numbers.
#pragma once
#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

#include "model/cocola_model.h"
#include "training/flat_parameters.h"
#include "training/step_inputs.h"
#include "training/training_config.h"

namespace cocola {

class StepEmbeddings {
 public:
  // Forward pass of this rank's pairs; of all but the last config.groups_in_memory groups no graph
  // is kept (0: of all it is). Adds each group's batch statistics, weighted, to flat.statistics(),
  // once. All arguments are kept by reference.
  StepEmbeddings(const CocolaModel& model, FlatParameters& flat, const StepInputs& inputs,
                 const TrainingConfig& config);

  // [B, D] each, in order of the inputs, without graph.
  const at::Tensor& anchors() const { return anchors_; }
  const at::Tensor& positives() const { return positives_; }
  // Of this rank's pairs, those whose graph is kept: the last ones.
  int64_t num_kept() const;

  // Adds the gradient of the encoder's parameters to flat.gradients(), which must be zero. Once.
  // Law: the same gradient for any config.groups_in_memory, to rounding; the same bits when
  //      config.reproducible is invariant.
  void backward(const at::Tensor& d_anchors, const at::Tensor& d_positives);

 private:
  // Pairs [first, last) of the inputs that go through the encoder together; embeddings with graph,
  // or undefined where it is not kept.
  struct Piece {
    int64_t first, last;
    at::Tensor anchors, positives;
  };

  void embed_all();
  std::pair<at::Tensor, at::Tensor> embed(const Piece& piece, const at::Tensor& statistics) const;
  void backward_piece(Piece& piece, const at::Tensor& d_anchors, const at::Tensor& d_positives);

  const CocolaModel& model_;
  FlatParameters& flat_;
  const StepInputs& inputs_;
  const TrainingConfig& config_;
  std::vector<Piece> pieces_;
  at::Tensor anchors_, positives_;
};

}  // namespace cocola
