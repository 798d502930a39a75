// Power as level, shared by the vectorised and the GPU code.
#pragma once
#include <cstdint>

namespace cocola {
namespace {  // each instruction set needs a copy of its own, never one merged by the linker

// 10 log10(max(1e-10, power)), error below 1e-5 dB for values in [1e-10, 1e10]: log2 by exponent
// and the series of the inverse hyperbolic tangent, mantissa in [sqrt(1/2), sqrt(2)).
constexpr float decibel(float power) {
  constexpr float kDecibelPerOctave = 3.01029995663981195f;
  constexpr float kTwoOverLn2 = 2.88539008177792681f;
  constexpr int32_t kBitsOfSqrtHalf = 0x3f3504f3;
  const float x = power > 1e-10f ? power : 1e-10f;
  const auto bits = __builtin_bit_cast(int32_t, x);
  const int32_t exponent = (bits - kBitsOfSqrtHalf) >> 23;
  const auto mantissa = __builtin_bit_cast(float, bits - (exponent << 23));
  const float t = (mantissa - 1.0f) / (mantissa + 1.0f);
  const float t2 = t * t;
  const float series =
      t * (1.0f + t2 * (1.0f / 3 + t2 * (1.0f / 5 + t2 * (1.0f / 7 + t2 * (1.0f / 9)))));
  return kDecibelPerOctave * (static_cast<float>(exponent) + kTwoOverLn2 * series);
}

}  // namespace
}  // namespace cocola
