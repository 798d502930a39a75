#include "features/median.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <algorithm>

#include "base/error.h"
#include "base/philox.h"
#include "features/front_end_support.h"
#include "support/golden.h"

namespace cocola {
namespace {

int64_t mirrored(int64_t i, int64_t n) {
  while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
  return i;
}

// Sorts every window: the definition.
std::vector<float> medians_by_sorting(const std::vector<float>& in, int64_t rows, int64_t columns,
                                      bool along_rows) {
  std::vector<float> out(in.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      std::vector<float> window;
      for (int64_t d = -15; d <= 15; ++d) {
        const int64_t rr = along_rows ? mirrored(r + d, rows) : r,
                      cc = along_rows ? c : mirrored(c + d, columns);
        window.push_back(in[static_cast<size_t>(rr * columns + cc)]);
      }
      std::sort(window.begin(), window.end());
      out[static_cast<size_t>(r * columns + c)] = window[15];
    }
  }
  return out;
}

using testing::room_of;
using testing::span_of;

class MedianAt : public testing::EverySimdLevel {};

TEST_P(MedianAt, MediansEqualScipysBitForBit) {
  const SafetensorsFile golden = testing::golden("median31");
  const at::Tensor input = golden.get("input");  // [frequency, time]
  const at::Tensor out = at::empty_like(input);
  MedianScratch scratch;
  median31_along_columns_axis(span_of(input), room_of(out), input.size(0), input.size(1), scratch,
                              GetParam());
  EXPECT_TRUE(at::equal(out, golden.get("along_time")));
  median31_along_rows_axis(span_of(input), room_of(out), input.size(0), input.size(1), scratch,
                           GetParam());
  EXPECT_TRUE(at::equal(out, golden.get("along_frequency")));
}

TEST_P(MedianAt, MediansEqualTheDefinitionForOddSizes) {
  const int64_t shapes[][2] = {{1, 1},   {2, 40}, {14, 3},  {15, 17}, {16, 16},
                               {31, 33}, {62, 5}, {63, 70}, {5, 129}};
  for (const auto& [rows, columns] : shapes) {
    PhiloxStream draws(4, DrawPurpose::noise, 0, static_cast<uint64_t>(rows),
                       static_cast<uint64_t>(columns));
    std::vector<float> in(static_cast<size_t>(rows * columns));
    // Few distinct values: ties are the rule in silent spectrograms.
    for (float& value : in) value = static_cast<float>(draws.next_below(12));
    std::vector<float> out(in.size());
    MedianScratch scratch;
    median31_along_rows_axis(in, out, rows, columns, scratch, GetParam());
    EXPECT_EQ(out, medians_by_sorting(in, rows, columns, true)) << rows << " x " << columns;
    median31_along_columns_axis(in, out, rows, columns, scratch, GetParam());
    EXPECT_EQ(out, medians_by_sorting(in, rows, columns, false)) << rows << " x " << columns;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, MedianAt, testing::kLevels, testing::level_name);

TEST(Median, SizesThatDoNotFitAreRefused) {
  std::vector<float> in(10), out(10);
  MedianScratch scratch;
  EXPECT_THROW(median31_along_rows_axis(in, out, 3, 3, scratch, best_simd_level()), Error);
  EXPECT_THROW(median31_along_columns_axis({}, {}, 0, 0, scratch, best_simd_level()), Error);
}

}  // namespace
}  // namespace cocola
