#include "features/median.h"

#include <algorithm>

#include "base/error.h"
#include "features/simd_kernels.h"
#include "features/split_sorted_median.h"

namespace cocola {
namespace {

constexpr int64_t kReach = kMedianTaps / 2;

void grow(std::vector<float>& buffer, int64_t size) {
  if (static_cast<int64_t>(buffer.size()) < size) buffer.resize(static_cast<size_t>(size));
}

// Filters `lines` lines of `length` elements, num_lanes lines at a time. Element i of line l lies
// at [i * element_stride + l * line_stride] of in and out.
void filter(const float* in, float* out, int64_t lines, int64_t length, int64_t line_stride,
            int64_t element_stride, MedianScratch& scratch, SimdLevel level) {
  const SimdKernels kernels = simd_kernels(level);
  const int64_t lanes = kernels.num_lanes;
  grow(scratch.padded, (2 * length + 2 * kReach) * lanes);
  grow(scratch.sorted, kMedianTaps * 16 * lanes);
  float* const padded = scratch.padded.data();
  float* const medians = padded + (length + 2 * kReach) * lanes;
  for (int64_t first = 0; first < lines; first += lanes) {
    const int64_t used = std::min(lanes, lines - first);
    for (int64_t i = -kReach; i < length + kReach; ++i) {
      const float* const from = in + mirrored(i, length) * element_stride + first * line_stride;
      float* const to = padded + (i + kReach) * lanes;
      for (int64_t l = 0; l < used; ++l) to[l] = from[l * line_stride];
      for (int64_t l = used; l < lanes; ++l) to[l] = 0.0f;
    }
    kernels.median31(padded, medians, length, scratch.sorted.data());
    for (int64_t i = 0; i < length; ++i) {
      float* const to = out + i * element_stride + first * line_stride;
      for (int64_t l = 0; l < used; ++l) to[l * line_stride] = medians[i * lanes + l];
    }
  }
}

void check(std::span<const float> in, std::span<float> out, int64_t rows, int64_t columns) {
  if (rows < 1 || columns < 1 || static_cast<int64_t>(in.size()) != rows * columns ||
      in.size() != out.size()) {
    fail("median31", "{} values in and {} out do not form {} rows of {} columns", in.size(),
         out.size(), rows, columns);
  }
}

}  // namespace

std::string to_string(SimdLevel level) {
  switch (level) {
    case SimdLevel::sse4:
      return "SSE4";
    case SimdLevel::avx2:
      return "AVX2";
    case SimdLevel::avx512:
      return "AVX-512";
  }
  return "unknown";
}

std::vector<SimdLevel> available_simd_levels() {
  std::vector<SimdLevel> levels = {SimdLevel::sse4};
  if (__builtin_cpu_supports("avx2")) levels.push_back(SimdLevel::avx2);
  if (__builtin_cpu_supports("avx512f")) levels.push_back(SimdLevel::avx512);
  return levels;
}

SimdLevel best_simd_level() { return available_simd_levels().back(); }

// Only the asked level's source is entered: the others may use instructions this CPU lacks.
SimdKernels simd_kernels(SimdLevel level) {
  switch (level) {
    case SimdLevel::sse4:
      return sse4_kernels();
    case SimdLevel::avx2:
      return avx2_kernels();
    case SimdLevel::avx512:
      return avx512_kernels();
  }
  fail("features", "unknown SIMD level {}", static_cast<int>(level));
}

void median31_along_rows_axis(std::span<const float> in, std::span<float> out, int64_t rows,
                              int64_t columns, MedianScratch& scratch, SimdLevel level) {
  check(in, out, rows, columns);
  filter(in.data(), out.data(), columns, rows, 1, columns, scratch, level);
}

void median31_along_columns_axis(std::span<const float> in, std::span<float> out, int64_t rows,
                                 int64_t columns, MedianScratch& scratch, SimdLevel level) {
  check(in, out, rows, columns);
  filter(in.data(), out.data(), rows, columns, columns, 1, scratch, level);
}

}  // namespace cocola
