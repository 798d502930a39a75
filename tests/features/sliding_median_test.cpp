#include "features/sliding_median.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <vector>

#include "base/philox.h"
#include "features/front_end_support.h"
#include "support/loop_over.h"

namespace cocola {
namespace {

// Few distinct values, many zeros: ties are the rule in silent spectrograms.
at::Tensor quantised(int64_t batch, int64_t rows, int64_t columns) {
  PhiloxStream draws(5, DrawPurpose::noise, 0, static_cast<uint64_t>(rows),
                     static_cast<uint64_t>(columns));
  const at::Tensor out = at::empty({batch, rows, columns});
  for (float& value : testing::room_of(out)) {
    value = 0.1f * std::max(0.0f, static_cast<float>(draws.next_below(60)) - 15.0f);
  }
  return out;
}

TEST(SlidingMedian, ReplacingKeepsTheTapsSorted) {
  PhiloxStream draws(1, DrawPurpose::noise, 0, 0, 0);
  float sorted[kBlock];
  for (float& tap : sorted) tap = static_cast<float>(draws.next_below(20));
  std::ranges::sort(sorted);
  for (int i = 0; i < 2000; ++i) {
    const float old = sorted[draws.next_below(kBlock)];
    const auto x = static_cast<float>(draws.next_below(20));
    std::vector<float> expected(std::begin(sorted), std::end(sorted));
    *std::ranges::find(expected, old) = x;
    std::ranges::sort(expected);
    replace_sorted(sorted, old, x);
    ASSERT_TRUE(std::ranges::equal(sorted, expected)) << i;
  }
}

TEST(SlidingMedian, GivesTheBitsOfTheSimdMedians) {
  MedianScratch scratch;
  const int64_t run = MediansOfRows::kRun;
  for (const int64_t rows :
       {int64_t{1}, int64_t{7}, int64_t{31}, run - 1, run, run + 1, 2 * run + 3}) {
    const at::Tensor in = quantised(2, rows, 5), found = at::empty_like(in);
    const MediansOfRows cells{in.const_data_ptr<float>(), found.data_ptr<float>(), rows, 5};
    testing::loop_over(cells, 2 * cells.runs() * 5);
    for (int64_t i = 0; i < 2; ++i) {
      const at::Tensor expected = at::empty({rows, 5});
      median31_along_rows_axis(testing::span_of(in[i]), testing::room_of(expected), rows, 5,
                               scratch, best_simd_level());
      EXPECT_TRUE(at::equal(found[i], expected)) << rows;
    }
  }
}

}  // namespace
}  // namespace cocola
