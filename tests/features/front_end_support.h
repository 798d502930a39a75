// What the tests of the front end share: tensors as spans, signals, and one run for each SIMD
// level.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <string>

#include "features/median.h"

namespace cocola::testing {

inline std::span<const float> span_of(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<float>(), static_cast<size_t>(tensor.numel())};
}

inline std::span<float> room_of(const at::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())};
}

// Largest difference over the largest expected value.
inline double relative_error(const at::Tensor& found, const at::Tensor& expected) {
  return ((found - expected).abs().max() / expected.abs().max()).item<double>();
}

// The signal of the published known answers: two tones and a click every quarter second.
inline at::Tensor tones_and_clicks() {
  const at::Tensor x = at::empty({80000});
  float* const samples = x.data_ptr<float>();
  for (int64_t n = 0; n < 80000; ++n) {
    const double t = 2 * M_PI * static_cast<double>(n) / 16000;
    double value = 0.3 * std::sin(220 * t) + 0.2 * std::sin(1000 * t);
    if (n % 4000 == 0) value += 0.5;
    samples[n] = static_cast<float>(value);
  }
  return x;
}

class EverySimdLevel : public ::testing::TestWithParam<SimdLevel> {};

// For INSTANTIATE_TEST_SUITE_P(Levels, <a suite derived from EverySimdLevel>, kLevels, level_name).
inline const auto kLevels = ::testing::ValuesIn(available_simd_levels());

inline std::string level_name(const ::testing::TestParamInfo<SimdLevel>& test) {
  std::string name = to_string(test.param);
  std::erase(name, '-');
  return name;
}

}  // namespace cocola::testing
