// Sliding medians of 31 taps along both axes of a spectrogram, by split-sorted merging in SIMD
// lanes.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cocola {

inline constexpr int64_t kMedianTaps = 31;

// Instruction sets the kernel was compiled for.
enum class SimdLevel { sse4, avx2, avx512 };
std::string to_string(SimdLevel level);
// Levels this CPU can run, ascending; never empty on x86-64.
std::vector<SimdLevel> available_simd_levels();
SimdLevel best_simd_level();

// Reusable scratch memory; grows to the largest size seen. One per thread.
struct MedianScratch {
  std::vector<float> padded, sorted;
};

// Medians over windows of 31 centred on each element, edges reflected with the edge sample repeated
// (d c b a | a b c d). Both arrays are row-major [rows, columns].
//
// Requires: rows, columns >= 1; no NaN.
// Law:      bit-identical to scipy.ndimage.median_filter(mode="reflect") on every level.
void median31_along_rows_axis(std::span<const float> in, std::span<float> out, int64_t rows,
                              int64_t columns, MedianScratch& scratch,
                              SimdLevel level);  // filters along axis 0
void median31_along_columns_axis(std::span<const float> in, std::span<float> out, int64_t rows,
                                 int64_t columns, MedianScratch& scratch,
                                 SimdLevel level);  // filters along axis 1

}  // namespace cocola
