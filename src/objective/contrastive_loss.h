// The contrastive loss over the whole world with its gradient in closed form: no collective in the
// backward pass.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>

#include "comm/communicator.h"

namespace cocola {

// The similarity as this folder sees it: x^T W y when w is defined, else scale * x^T y.
struct SimilarityForm {
  at::Tensor w;  // [D, D] float32 or float64, or undefined
  double scale = 1.0;
};

// one: each anchor is to find its positive among all positives, as published.
// both: and each positive its anchor; the loss is the mean of the two.
enum class LossDirections { one, both };

struct LossOptions {
  LossDirections directions = LossDirections::one;
  // T: own pairs handled together. 0: as many as their similarities fit into 64 MiB. Otherwise
  // divides B, and every product of matrices then has a shape of T, K and D alone.
  int64_t pairs_per_tile = 0;
};

// Of the whole step, equal on all ranks.
struct LossFigures {
  double loss = 0.0;      // mean cross entropy over the K pairs, natural logarithm
  double accuracy = 0.0;  // share of the K anchors whose positive is the most similar; ties: lowest
                          // index wins
  double mean_similarity = 0.0, max_similarity = 0.0;  // of all K x K
  // Mean over the K anchors of the entropy of their softmax over all positives, in nats: ln K when
  // an anchor prefers none, 0 when it is sure. Range [0, ln K].
  double softmax_entropy = 0.0;
};

inline constexpr int64_t kNumLossFigures = 5;

struct ContrastiveLoss {
  at::Tensor
      figures;  // [kNumLossFigures] float64 in the order of LossFigures, on the embeddings' device
  at::Tensor d_anchors;    // [B, D] gradient of the loss for this rank's rows
  at::Tensor d_positives;  // [B, D]
  at::Tensor d_w;  // [D, D] this rank's part of the gradient of W (sum over ranks = whole), or
                   // undefined

  // Waits for a GPU.
  LossFigures read_figures() const;
};

// From values in the order of LossFigures, on the host.
LossFigures loss_figures_from(const at::Tensor& values);

// Mean cross entropy of all K anchors of the step against all K positives, over the whole world.
//
// Shapes:     anchors, positives [B, D] float32 or float64, equal B on every rank, detached here.
//             K = world_size * B, row i of rank r is pair r * B + i of the step.
// Collective: two all-gathers.
// Gradient:   1/K lives here and nowhere else; parts are summed over ranks, never averaged.
// Memory:     at most contrastive_loss_bytes() beside the arguments.
// Throws:     Error if shapes disagree, K < 2, or pairs_per_tile does not divide B.
// Law:        equal to one process with the K pairs, for any world size. With pairs_per_tile, and
//             B / pairs_per_tile a power of two: the same bits on the CPU for equal numbers of
//             threads, in d_w after all_reduce_sum.
// See:        paper, Eq. (3).
ContrastiveLoss contrastive_loss(const at::Tensor& anchors, const at::Tensor& positives,
                                 const SimilarityForm& form, Communicator& world,
                                 const LossOptions& options = {});

// Bytes of tensors that one rank's loss takes at most, its result included, for B = num_own of K =
// num_pairs embeddings of size D: with T pairs in a tile and e bytes a value
//   e (2 T K + 2 (K + B + 2 T) D + (1 + log2(B / T)) D^2) + 96 K.
int64_t contrastive_loss_bytes(int64_t num_own, int64_t num_pairs, int64_t embedding_size,
                               int64_t bytes_per_value, const LossOptions& options = {});

// Similarities of every anchor with every candidate: [A, D] x [C, D] -> [A, C].
at::Tensor similarity_matrix(const at::Tensor& anchors, const at::Tensor& candidates,
                             const SimilarityForm& form);

}  // namespace cocola
