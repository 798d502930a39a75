// Sets of samples with known distances.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/sin.h>

#include <cmath>
#include <cstdint>

#include "base/philox.h"

namespace cocola::testing {

// x[i][j] = sin(f (i + 1)(j + 1) + s) + o cos(0.3 (j + 1)); [n, d] float64.
inline at::Tensor wave_samples(int64_t n, int64_t d, double f, double s, double o) {
  const at::Tensor i = at::arange(1, n + 1, at::kDouble).unsqueeze(1);
  const at::Tensor j = at::arange(1, d + 1, at::kDouble);
  return at::sin(f * i * j + s) + o * at::cos(0.3 * j);
}

// Independent standard normal values, [n, d] float64.
inline at::Tensor normal_samples(int64_t n, int64_t d, uint64_t seed) {
  PhiloxStream stream(seed, DrawPurpose::noise, 0, 0, 0);
  at::Tensor samples = at::empty({n, d}, at::kDouble);
  for (int64_t i = 0; i < samples.numel(); ++i) {
    samples.data_ptr<double>()[i] = static_cast<double>(stream.next_normal());
  }
  return samples;
}

// An orthogonal matrix [d, d].
inline at::Tensor rotation(int64_t d, uint64_t seed) {
  return std::get<0>(at::linalg_qr(normal_samples(d, d, seed)));
}

}  // namespace cocola::testing
