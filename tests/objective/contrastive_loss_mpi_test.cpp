#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "comm/communicator.h"
#include "comm/mpi_test_world.h"
#include "objective/autograd_loss.h"

namespace cocola {
namespace {

using testing::autograd_loss;
using testing::expect_equal;
using testing::scattered;
using testing::test_world;

// This rank's rows of those of the whole step.
at::Tensor own_rows(const at::Tensor& whole) {
  const int64_t num_own = whole.size(0) / test_world().world_size();
  return whole.narrow(0, test_world().rank() * num_own, num_own);
}

// Of the world on its slices of `whole`; d_w is summed over ranks.
ContrastiveLoss loss_of_world(const testing::Embeddings& whole, const SimilarityForm& form,
                              const LossOptions& options) {
  ContrastiveLoss loss = contrastive_loss(own_rows(whole.anchors), own_rows(whole.positives), form,
                                          test_world(), options);
  if (loss.d_w.defined()) test_world().all_reduce_sum(loss.d_w);
  return loss;
}

void expect_world_equals_autograd(const testing::Embeddings& whole, const SimilarityForm& form) {
  for (const LossDirections directions : {LossDirections::one, LossDirections::both}) {
    ContrastiveLoss one = autograd_loss(whole, form, directions);
    one.d_anchors = own_rows(one.d_anchors);
    one.d_positives = own_rows(one.d_positives);
    const ContrastiveLoss world = loss_of_world(whole, form, {directions});
    expect_equal(world, one);
    // The report is one number of the world, not one of each rank.
    const at::Tensor figures = test_world().all_gather(world.figures.unsqueeze(0));
    EXPECT_TRUE(figures.eq(world.figures).all().item<bool>());
  }
}

TEST(WorldLoss, BilinearFormEqualsAutogradOnOneProcess) {
  const testing::Embeddings whole = scattered(24, 12);
  expect_world_equals_autograd(whole, {whole.w});
}

TEST(WorldLoss, ScaledFormEqualsAutogradOnOneProcess) {
  expect_world_equals_autograd(scattered(24, 12), {{}, 2.5});
}

TEST(WorldLoss, OnePairOnEachRankIsEnough) {
  if (test_world().world_size() == 1) return;
  const testing::Embeddings whole = scattered(test_world().world_size(), 7);
  expect_world_equals_autograd(whole, {whole.w});
}

TEST(WorldLoss, TilesOfFixedSizeGiveTheBitsOfOneProcess) {
  const testing::Embeddings wide = scattered(128, 48);
  const testing::Embeddings whole = {wide.anchors.to(at::kFloat), wide.positives.to(at::kFloat),
                                     wide.w.to(at::kFloat)};
  const auto solo = open_solo_world();
  for (const LossDirections directions : {LossDirections::one, LossDirections::both}) {
    const LossOptions options{directions, 8};
    const ContrastiveLoss one =
        contrastive_loss(whole.anchors, whole.positives, {whole.w}, *solo, options);
    const ContrastiveLoss world = loss_of_world(whole, {whole.w}, options);
    EXPECT_TRUE(at::equal(world.figures, one.figures));
    EXPECT_TRUE(at::equal(world.d_anchors, own_rows(one.d_anchors)));
    EXPECT_TRUE(at::equal(world.d_positives, own_rows(one.d_positives)));
    EXPECT_TRUE(at::equal(world.d_w, one.d_w));
  }
}

}  // namespace
}  // namespace cocola
