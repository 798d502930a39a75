// The loss of a step by its definition, on one process, with gradients from autograd.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "objective/contrastive_loss.h"
#include "objective/embeddings.h"

namespace cocola::testing {

inline ContrastiveLoss autograd_loss(const Embeddings& step, const SimilarityForm& form,
                                     LossDirections directions) {
  const auto leaf = [](const at::Tensor& x) { return x.detach().clone().requires_grad_(true); };
  const at::Tensor x = leaf(step.anchors), y = leaf(step.positives);
  const at::Tensor w = form.w.defined() ? leaf(form.w) : at::Tensor();
  const at::Tensor s =
      w.defined() ? at::matmul(at::matmul(x, w), y.t()) : at::matmul(x, y.t()) * form.scale;
  const auto cross_entropy = [](const at::Tensor& similarity) {
    return -at::log_softmax(similarity, 1).diagonal().mean();
  };
  const at::Tensor loss = directions == LossDirections::both
                              ? 0.5 * (cross_entropy(s) + cross_entropy(s.t()))
                              : cross_entropy(s);
  torch::autograd::backward({loss}, {at::ones({}, loss.options())});

  const at::Tensor probability = at::softmax(s, 1);
  const at::Tensor own = at::arange(s.size(0), at::kLong);
  ContrastiveLoss result;
  result.figures = at::stack({loss.detach(), s.argmax(1).eq(own).to(at::kDouble).mean(), s.mean(),
                              s.max(), -(probability * probability.log()).sum(1).mean()})
                       .detach();
  result.d_anchors = x.grad();
  result.d_positives = y.grad();
  if (w.defined()) result.d_w = w.grad();
  return result;
}

// To the rounding of float64.
inline void expect_equal(const ContrastiveLoss& found, const ContrastiveLoss& expected) {
  const LossFigures ours = found.read_figures(), theirs = expected.read_figures();
  EXPECT_NEAR(ours.loss, theirs.loss, 1e-12);
  EXPECT_EQ(ours.accuracy, theirs.accuracy);
  EXPECT_NEAR(ours.mean_similarity, theirs.mean_similarity, 1e-12);
  EXPECT_NEAR(ours.max_similarity, theirs.max_similarity, 1e-12);
  EXPECT_NEAR(ours.softmax_entropy, theirs.softmax_entropy, 1e-12);
  EXPECT_LE(relative_error(found.d_anchors, expected.d_anchors), 1e-12);
  EXPECT_LE(relative_error(found.d_positives, expected.d_positives), 1e-12);
  ASSERT_EQ(found.d_w.defined(), expected.d_w.defined());
  if (found.d_w.defined()) {
    EXPECT_LE(relative_error(found.d_w, expected.d_w), 1e-12);
  }
}

}  // namespace cocola::testing
