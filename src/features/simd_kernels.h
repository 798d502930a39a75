// The inner loops of the front end, compiled once for each instruction set. Data lie in lanes:
// element i of lane l is at [i * num_lanes + l]. All levels do the same operations in the same
// order, so their results are equal.
#pragma once
#include <cstdint>

#include "features/median.h"

namespace cocola {

// One pass of a Fourier transform: num_groups butterflies of radix points, at each of stride
// places.
struct FourierPass {
  int64_t radix, num_groups, stride;
  const double* twiddles;  // [num_groups, radix] complex
  const double* roots;     // [radix] complex, the roots of unity
};

struct SimdKernels {
  int64_t num_lanes = 0;
  // Medians of 31 in each lane: out[i] is the median of padded[i .. i + 30]. padded [n + 30], out
  // [n], sorted is scratch of 31 * 16 lanes.
  void (*median31)(const float* padded, float* out, int64_t n, float* sorted) = nullptr;
  // harmonic and percussive power of n cells from magnitudes and their two medians.
  void (*masked_power)(const float* magnitude, const float* harmonic_median,
                       const float* percussive_median, float* harmonic, float* percussive,
                       int64_t n) = nullptr;
  // sums[l] = sum over i < n of weights[i] * power[i * num_lanes + l], in order of i.
  void (*weighted_sum)(const float* weights, const float* power, int64_t n, float* sums) = nullptr;
  // Applies a pass to radix * num_groups * stride complex points in num_lanes / 2 lanes: the real
  // part of point i of lane l is at [i * num_lanes + l], its imaginary part num_lanes / 2 behind.
  void (*fourier_pass)(const double* in, double* out, const FourierPass& pass) = nullptr;
  // out[k], k = 0 .. n, are the magnitudes of 2 n real samples whose complex transform of n points
  // (even samples real, odd ones imaginary) is given. twiddles [n + 1] complex.
  void (*real_magnitude)(const double* points, const double* twiddles, int64_t n,
                         float* out) = nullptr;
  // 10 log10(max(1e-10, x)) in place, error below 1e-5 dB for values in [1e-10, 1e10].
  void (*to_decibel)(float* values, int64_t n) = nullptr;
};

// Requires: level is one of available_simd_levels().
SimdKernels simd_kernels(SimdLevel level);

// One for each compiled level.
SimdKernels sse4_kernels();
SimdKernels avx2_kernels();
SimdKernels avx512_kernels();

}  // namespace cocola
