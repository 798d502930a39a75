#include "metrics/subsample.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_unique.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace cocola {
namespace {

TEST(DrawRows, DrawsEachRowAtMostOnce) {
  const at::Tensor rows = at::arange(100, at::kDouble).unsqueeze(1);
  for (const int64_t count : {0, 1, 60, 100}) {
    const at::Tensor drawn = draw_rows(rows, count, 1, SubsampleUse::frechet_limit);
    EXPECT_EQ(drawn.size(0), count);
    EXPECT_EQ(std::get<0>(at::_unique(drawn)).size(0), count);
  }
}

TEST(DrawRows, DrawsEveryRowEquallyOften) {
  const at::Tensor rows = at::arange(10, at::kDouble).unsqueeze(1);
  at::Tensor times = at::zeros({10}, at::kDouble);
  for (int64_t draw = 0; draw < 4000; ++draw) {
    const at::Tensor drawn = draw_rows(rows, 3, 5, SubsampleUse::frechet_limit, draw);
    times += at::bincount(drawn.squeeze(1).to(at::kLong), {}, 10);
  }
  // 1200 expected, standard deviation 29.
  EXPECT_LT((times - 1200.0).abs().max().item<double>(), 120.0);
}

TEST(DrawRows, DependsOnSeedUseAndDraw) {
  const at::Tensor rows = at::arange(1000, at::kDouble).unsqueeze(1);
  const at::Tensor drawn = draw_rows(rows, 20, 1, SubsampleUse::frechet_limit, 0);
  EXPECT_TRUE(at::equal(drawn, draw_rows(rows, 20, 1, SubsampleUse::frechet_limit, 0)));
  EXPECT_FALSE(at::equal(drawn, draw_rows(rows, 20, 2, SubsampleUse::frechet_limit, 0)));
  EXPECT_FALSE(at::equal(drawn, draw_rows(rows, 20, 1, SubsampleUse::median_distance, 0)));
  EXPECT_FALSE(at::equal(drawn, draw_rows(rows, 20, 1, SubsampleUse::frechet_limit, 1)));
}

}  // namespace
}  // namespace cocola
