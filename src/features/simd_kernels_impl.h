// Bodies of the kernels, included once by each instruction set's source. Lanes gives Vector and its
// operations. Everything is in an unnamed namespace: two instruction sets must never share a
// function.
#pragma once
#include <cstdint>
#include <cstring>

#include "features/simd_kernels.h"
#include "features/soft_mask.h"

namespace cocola {
namespace {

constexpr int kHalf = 16;  // order statistics needed: the median of 31 is the 16th smallest
constexpr int kBlock = 31;

// Keeps `list` the 16 smallest values seen, ascending.
template <typename Lanes>
inline void insert(typename Lanes::Vector* list, typename Lanes::Vector x) {
  for (int k = 0; k < kHalf; ++k) {
    const auto smaller = Lanes::min(list[k], x);
    x = Lanes::max(list[k], x);
    list[k] = smaller;
  }
}

// 16th smallest of the union of two ascending lists of 16.
template <typename Lanes>
inline typename Lanes::Vector sixteenth_of_union(const typename Lanes::Vector* a, const float* b) {
  auto even = Lanes::min(a[kHalf - 1], Lanes::load(b + (kHalf - 1) * Lanes::kCount));
  auto odd = even;
  for (int i = 0; i + 1 < kHalf; i += 2) {
    even = Lanes::min(even, Lanes::max(a[i], Lanes::load(b + (kHalf - 2 - i) * Lanes::kCount)));
    if (i + 2 < kHalf) {
      odd = Lanes::min(odd, Lanes::max(a[i + 1], Lanes::load(b + (kHalf - 3 - i) * Lanes::kCount)));
    }
  }
  return Lanes::min(even, odd);
}

// Cut into blocks of 31, every window of 31 is a suffix of one block and a prefix of the next:
// sorted suffixes are kept, the prefix grows as the window moves, and the median comes from merging
// the two.
template <typename Lanes>
void median31(const float* padded, float* out, int64_t n, float* sorted) {
  constexpr int64_t kStride = Lanes::kCount;
  for (int64_t block = 0; block < n; block += kBlock) {
    typename Lanes::Vector list[kHalf];
    for (auto& value : list) value = Lanes::infinity();
    for (int64_t j = kBlock - 1; j >= 0; --j) {
      insert<Lanes>(list, Lanes::load(padded + (block + j) * kStride));
      for (int k = 0; k < kHalf; ++k) Lanes::store(sorted + (j * kHalf + k) * kStride, list[k]);
    }
    for (auto& value : list) value = Lanes::infinity();
    const int64_t count = n - block < kBlock ? n - block : kBlock;
    for (int64_t j = 0; j < count; ++j) {
      if (j > 0) insert<Lanes>(list, Lanes::load(padded + (block + kBlock + j - 1) * kStride));
      Lanes::store(out + (block + j) * kStride,
                   sixteenth_of_union<Lanes>(list, sorted + j * kHalf * kStride));
    }
  }
}

void masked_power(const float* __restrict__ magnitude, const float* __restrict__ harmonic_median,
                  const float* __restrict__ percussive_median, float* __restrict__ harmonic,
                  float* __restrict__ percussive, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const float h = magnitude[i] * soft_mask(harmonic_median[i], percussive_median[i]);
    const float p = magnitude[i] * soft_mask(percussive_median[i], harmonic_median[i]);
    harmonic[i] = h * h;
    percussive[i] = p * p;
  }
}

template <typename Lanes>
void weighted_sum(const float* __restrict__ weights, const float* __restrict__ power, int64_t n,
                  float* __restrict__ sums) {
  float total[Lanes::kCount] = {};
  for (int64_t i = 0; i < n; ++i) {
    for (int l = 0; l < Lanes::kCount; ++l) total[l] += weights[i] * power[i * Lanes::kCount + l];
  }
  std::memcpy(sums, total, sizeof(total));
}

// log2 by exponent and the series of the inverse hyperbolic tangent, mantissa in [sqrt(1/2),
// sqrt(2)).
void to_decibel(float* __restrict__ values, int64_t n) {
  constexpr float kDecibelPerOctave = 3.01029995663981195f;
  constexpr float kTwoOverLn2 = 2.88539008177792681f;
  for (int64_t i = 0; i < n; ++i) {
    const float x = values[i] > 1e-10f ? values[i] : 1e-10f;
    int32_t bits;
    std::memcpy(&bits, &x, sizeof(bits));
    const int32_t shifted = bits - 0x3f3504f3;  // bits of sqrt(1/2)
    const int32_t exponent = shifted >> 23;
    const int32_t mantissa_bits = bits - (exponent << 23);
    float mantissa;
    std::memcpy(&mantissa, &mantissa_bits, sizeof(mantissa));
    const float t = (mantissa - 1.0f) / (mantissa + 1.0f);
    const float t2 = t * t;
    const float series =
        t * (1.0f + t2 * (1.0f / 3 + t2 * (1.0f / 5 + t2 * (1.0f / 7 + t2 * (1.0f / 9)))));
    values[i] = kDecibelPerOctave * (static_cast<float>(exponent) + kTwoOverLn2 * series);
  }
}

template <typename Lanes>
SimdKernels kernels_of() {
  return {Lanes::kCount, median31<Lanes>, masked_power, weighted_sum<Lanes>, to_decibel};
}

}  // namespace
}  // namespace cocola
