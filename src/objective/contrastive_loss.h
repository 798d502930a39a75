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

struct ContrastiveLoss {
  double loss = 0.0;  // mean cross entropy over the K anchors of the step, natural logarithm
  double accuracy =
      0.0;  // share of the K anchors whose positive is the most similar; ties: lowest index wins
  double max_similarity = 0.0;
  at::Tensor d_anchors;    // [B, D] gradient of the loss for this rank's rows
  at::Tensor d_positives;  // [B, D]
  at::Tensor
      d_w;  // [D, D] this rank's part of the gradient of W (sum over ranks = whole), or undefined
};

// Mean cross entropy of all K anchors of the step against all K positives, over the whole world.
//
// Shapes:     anchors, positives [B, D] float32 or float64, equal B on every rank, detached here. K
// = world_size * B,
//             row i of rank r is pair r * B + i of the step.
// Collective: two all-gathers.
// Gradient:   1/K lives here and nowhere else; parts are summed over ranks, never averaged.
// Throws:     Error if shapes disagree, or K < 2.
// Law:        equal to one process with the K pairs, for any world size.
// See:        paper, Eq. (3).
ContrastiveLoss contrastive_loss(const at::Tensor& anchors, const at::Tensor& positives,
                                 const SimilarityForm& form, Communicator& world);

// Similarities of every anchor with every candidate: [A, D] x [C, D] -> [A, C].
at::Tensor similarity_matrix(const at::Tensor& anchors, const at::Tensor& candidates,
                             const SimilarityForm& form);

}  // namespace cocola
