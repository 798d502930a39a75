#include "eval/accuracy_batches.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/round.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "objective/accuracy.h"

namespace cocola {
namespace {

// Positives that often, but not always, win; with ties.
at::Tensor coarse_similarity(int64_t n) {
  at::manual_seed(7);
  return at::round(4 * (at::randn({n, n}) + at::eye(n)));
}

TEST(RandomBatches, TheExactExpectationAgreesWith10000Passes) {
  const at::Tensor similarity = coarse_similarity(50);
  constexpr int64_t kNumPasses = 10000;
  for (const int64_t k : {2, 7, 16, 50}) {
    const double exact = spread_of(expected_accuracy_per_anchor(similarity, k)).mean;
    const Spread drawn = spread_of(accuracy_of_passes(similarity, k, kNumPasses, 1));
    // 99.9 % of such means lie this close.
    const double error = 3.29 * drawn.standard_deviation / std::sqrt(double{kNumPasses});
    EXPECT_NEAR(drawn.mean, exact, error + 1e-12) << k;
    EXPECT_EQ(drawn.standard_deviation > 0.01, k < 50) << k;  // all at once leaves nothing to draw
  }
}

TEST(RandomBatches, EqualSimilaritiesAreChanceInEveryPass) {
  for (const double accuracy : accuracy_of_passes(at::ones({20, 20}), 5, 3, 1)) {
    EXPECT_DOUBLE_EQ(accuracy, 0.2);
  }
}

TEST(RandomBatches, WindowsThatFillNoBatchAreLeftOut) {
  // Anchor 0 alone loses: a pass of three windows of which two meet reads 1, or 1/2 with it.
  at::Tensor similarity = at::eye(3);
  similarity[0] = at::tensor({0.0, 1.0, 1.0});
  bool was_in = false, was_out = false;
  for (const double accuracy : accuracy_of_passes(similarity, 2, 50, 1)) {
    EXPECT_TRUE(accuracy == 1.0 || accuracy == 0.5) << accuracy;
    (accuracy == 1.0 ? was_out : was_in) = true;
  }
  EXPECT_TRUE(was_in && was_out);
}

TEST(RandomBatches, TheSeedDecides) {
  const at::Tensor similarity = coarse_similarity(40);
  EXPECT_EQ(accuracy_of_passes(similarity, 4, 5, 1), accuracy_of_passes(similarity, 4, 5, 1));
  EXPECT_NE(accuracy_of_passes(similarity, 4, 5, 1), accuracy_of_passes(similarity, 4, 5, 2));
}

TEST(RandomBatches, TheSpreadIsThatOfASample) {
  const Spread spread = spread_of({1.0, 2.0, 3.0, 4.0});
  EXPECT_DOUBLE_EQ(spread.mean, 2.5);
  EXPECT_DOUBLE_EQ(spread.standard_deviation, std::sqrt(5.0 / 3.0));
  EXPECT_EQ(spread_of({3.0}).standard_deviation, 0.0);
}

}  // namespace
}  // namespace cocola
