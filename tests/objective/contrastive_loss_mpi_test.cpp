#include <gtest/gtest.h>

#include "comm/communicator.h"
#include "comm/mpi_test_world.h"
#include "objective/contrastive_loss.h"
#include "objective/embeddings.h"

namespace cocola {
namespace {

using testing::relative_error;
using testing::scattered;
using testing::test_world;

// The loss of the world on its slices of `whole` against that of one process with all pairs.
void expect_world_equals_one_process(const testing::Embeddings& whole, const SimilarityForm& form) {
  const auto solo = open_solo_world();
  const ContrastiveLoss one = contrastive_loss(whole.anchors, whole.positives, form, *solo);
  const int64_t num_own = whole.anchors.size(0) / test_world().world_size();
  const auto own = [&](const at::Tensor& rows) {
    return rows.narrow(0, test_world().rank() * num_own, num_own);
  };
  const ContrastiveLoss world =
      contrastive_loss(own(whole.anchors), own(whole.positives), form, test_world());
  EXPECT_NEAR(world.loss, one.loss, 1e-12);
  EXPECT_EQ(world.accuracy, one.accuracy);
  EXPECT_NEAR(world.max_similarity, one.max_similarity, 1e-12);
  EXPECT_LE(relative_error(world.d_anchors, own(one.d_anchors)), 1e-12);
  EXPECT_LE(relative_error(world.d_positives, own(one.d_positives)), 1e-12);
  ASSERT_EQ(world.d_w.defined(), one.d_w.defined());
  if (world.d_w.defined()) {
    test_world().all_reduce_sum(world.d_w);
    EXPECT_LE(relative_error(world.d_w, one.d_w), 1e-12);
  }
  // The report is one number of the world, not one of each rank.
  const at::Tensor losses = test_world().all_gather(at::full({1}, world.loss, at::kDouble));
  EXPECT_TRUE(losses.eq(world.loss).all().item<bool>());
}

TEST(WorldLoss, BilinearFormEqualsOneProcess) {
  const testing::Embeddings whole = scattered(24, 12);
  expect_world_equals_one_process(whole, {whole.w});
}

TEST(WorldLoss, ScaledFormEqualsOneProcess) {
  expect_world_equals_one_process(scattered(24, 12), {{}, 2.5});
}

TEST(WorldLoss, OnePairOnEachRankIsEnough) {
  if (test_world().world_size() == 1) return;
  const testing::Embeddings whole = scattered(test_world().world_size(), 7);
  expect_world_equals_one_process(whole, {whole.w});
}

}  // namespace
}  // namespace cocola
