// Bodies of the kernels, included once by each instruction set's source. Lanes and Doubles give
// Vector and its operations. Everything is in an unnamed namespace: two instruction sets must never
// share a function.
#pragma once
#include <cstdint>
#include <cstring>

#include "features/decibel.h"
#include "features/simd_kernels.h"
#include "features/soft_mask.h"
#include "features/split_sorted_median.h"

namespace cocola {
namespace {

template <typename Lanes>
void median31(const float* padded, float* out, int64_t n, float* sorted) {
  for (int64_t block = 0; block < n; block += kBlock) {
    const auto input = [&](int64_t i) { return Lanes::load(padded + (block + i) * Lanes::kCount); };
    const auto output = [&](int64_t j, typename Lanes::Vector median) {
      Lanes::store(out + (block + j) * Lanes::kCount, median);
    };
    median31_block<Lanes>(input, output, n - block < kBlock ? n - block : kBlock, sorted);
  }
}

void masked_power(const float* __restrict__ magnitude, const float* __restrict__ harmonic_median,
                  const float* __restrict__ percussive_median, float* __restrict__ harmonic,
                  float* __restrict__ percussive, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const SoftMasks masks = soft_masks(harmonic_median[i], percussive_median[i]);
    const float h = magnitude[i] * masks.harmonic, p = magnitude[i] * masks.percussive;
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

void to_decibel(float* __restrict__ values, int64_t n) {
  for (int64_t i = 0; i < n; ++i) values[i] = decibel(values[i]);
}

template <typename Doubles>
struct Complex {
  using Vector = typename Doubles::Vector;
  Vector re, im;

  static Complex load(const double* points, int64_t i) {
    const double* const at = points + 2 * i * Doubles::kCount;
    return {Doubles::load(at), Doubles::load(at + Doubles::kCount)};
  }
  void store(double* points, int64_t i) const {
    Doubles::store(points + 2 * i * Doubles::kCount, re);
    Doubles::store(points + (2 * i + 1) * Doubles::kCount, im);
  }
  Complex operator+(Complex b) const { return {re + b.re, im + b.im}; }
  Complex operator-(Complex b) const { return {re - b.re, im - b.im}; }
  Complex times(const double* b) const { return {re * b[0] - im * b[1], re * b[1] + im * b[0]}; }
};

// The passes are Stockham's: output is in order without a reversal of bits.
template <typename Doubles>
void pass_of_two(const double* in, double* out, const FourierPass& pass) {
  const int64_t s = pass.stride, apart = pass.num_groups * s;
  for (int64_t p = 0; p < pass.num_groups; ++p) {
    for (int64_t q = 0; q < s; ++q) {
      const auto a = Complex<Doubles>::load(in, q + s * p);
      const auto b = Complex<Doubles>::load(in, q + s * p + apart);
      (a + b).store(out, q + s * 2 * p);
      (a - b).times(pass.twiddles + 4 * p + 2).store(out, q + s * (2 * p + 1));
    }
  }
}

template <typename Doubles>
void pass_of_four(const double* in, double* out, const FourierPass& pass) {
  const int64_t s = pass.stride, apart = pass.num_groups * s;
  for (int64_t p = 0; p < pass.num_groups; ++p) {
    const double* const twiddles = pass.twiddles + 8 * p;
    for (int64_t q = 0; q < s; ++q) {
      const int64_t from = q + s * p, to = q + s * 4 * p;
      const auto a = Complex<Doubles>::load(in, from);
      const auto b = Complex<Doubles>::load(in, from + apart);
      const auto c = Complex<Doubles>::load(in, from + 2 * apart);
      const auto d = Complex<Doubles>::load(in, from + 3 * apart);
      const auto even = a + c, odd = a - c, sum = b + d, difference = b - d;
      const Complex<Doubles> turned{difference.im, -difference.re};  // times -i
      (even + sum).store(out, to);
      (odd + turned).times(twiddles + 2).store(out, to + s);
      (even - sum).times(twiddles + 4).store(out, to + 2 * s);
      (odd - turned).times(twiddles + 6).store(out, to + 3 * s);
    }
  }
}

template <typename Doubles>
void pass_of_any(const double* in, double* out, const FourierPass& pass) {
  const int64_t s = pass.stride, radix = pass.radix;
  for (int64_t p = 0; p < pass.num_groups; ++p) {
    for (int64_t q = 0; q < s; ++q) {
      for (int64_t k = 0; k < radix; ++k) {
        auto sum = Complex<Doubles>::load(in, q + s * p);
        for (int64_t j = 1; j < radix; ++j) {
          const auto point = Complex<Doubles>::load(in, q + s * (p + pass.num_groups * j));
          sum = sum + point.times(pass.roots + 2 * (j * k % radix));
        }
        sum.times(pass.twiddles + 2 * (p * radix + k)).store(out, q + s * (radix * p + k));
      }
    }
  }
}

template <typename Doubles>
void fourier_pass(const double* in, double* out, const FourierPass& pass) {
  if (pass.radix == 4) return pass_of_four<Doubles>(in, out, pass);
  if (pass.radix == 2) return pass_of_two<Doubles>(in, out, pass);
  pass_of_any<Doubles>(in, out, pass);
}

template <typename Doubles>
void real_magnitude(const double* points, const double* twiddles, int64_t n, float* out) {
  for (int64_t k = 0; k <= n; ++k) {
    const auto a = Complex<Doubles>::load(points, k == n ? 0 : k);
    const auto b = Complex<Doubles>::load(points, k == 0 ? 0 : n - k);
    // Twice the transforms of the even and of the odd samples.
    const Complex<Doubles> even{a.re + b.re, a.im - b.im}, odd{a.im + b.im, b.re - a.re};
    const auto twice = even + odd.times(twiddles + 2 * k);
    Doubles::store_floats(out + k * Doubles::kCount,
                          0.5 * Doubles::sqrt(twice.re * twice.re + twice.im * twice.im));
  }
}

template <typename Lanes, typename Doubles>
SimdKernels kernels_of() {
  static_assert(Lanes::kCount == 2 * Doubles::kCount);
  return {Lanes::kCount,         median31<Lanes>,         masked_power, weighted_sum<Lanes>,
          fourier_pass<Doubles>, real_magnitude<Doubles>, to_decibel};
}

}  // namespace
}  // namespace cocola
