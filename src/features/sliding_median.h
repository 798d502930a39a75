// The median of 31 along a column, for a machine with many threads: the taps stay sorted in
// registers, where split_sorted_median.h would keep 2 KB of lists for each thread. No step waits
// for the one before it.
#pragma once
#include <cstdint>

#include "features/split_sorted_median.h"

namespace cocola {

// Takes one value `old` out of 31 ascending ones and puts x in. The loops have fixed bounds so that
// they unroll and `sorted` needs no memory.
constexpr void replace_sorted(float (&sorted)[kBlock], float old, float x) {
  float before = -__builtin_inff();  // of what is left after taking `old` out
  for (int k = 0; k + 1 < kBlock; ++k) {
    const float here = sorted[k] < old ? sorted[k] : sorted[k + 1];
    const float smaller = here < x ? here : x;
    sorted[k] = before > smaller ? before : smaller;
    before = here;
  }
  sorted[kBlock - 1] = before > x ? before : x;
}

// Medians of 31 along the rows axis of [B, rows, columns], edges mirrored. Cell i of B * runs *
// columns makes the medians of kRun rows of one column; runs = rows / kRun, rounded up.
struct MediansOfRows {
  // Long, because each run begins with 31 replacements; four fill 501 frames as well as 513 bins.
  static constexpr int64_t kRun = 129;

  const float* in;
  float* out;
  int64_t rows, columns;

  constexpr int64_t runs() const { return (rows + kRun - 1) / kRun; }
  constexpr void operator()(int64_t i) const {
    const int64_t column = i % columns, run = i / columns % runs(), matrix = i / columns / runs();
    const int64_t corner = matrix * rows * columns + column;
    const auto value = [&](int64_t row) { return in[corner + mirrored(row, rows) * columns]; };
    constexpr int64_t kReach = kBlock / 2;
    const int64_t first = run * kRun;
    const int64_t end = first + kRun < rows ? first + kRun : rows;
    float sorted[kBlock] = {};
    for (float& tap : sorted) tap = __builtin_inff();
    for (int64_t row = first - kReach; row <= first + kReach; ++row) {
      replace_sorted(sorted, __builtin_inff(), value(row));
    }
    out[corner + first * columns] = sorted[kReach];
    for (int64_t row = first + 1; row < end; ++row) {
      replace_sorted(sorted, value(row - kReach - 1), value(row + kReach));
      out[corner + row * columns] = sorted[kReach];
    }
  }
};

}  // namespace cocola
