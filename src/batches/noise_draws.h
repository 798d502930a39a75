// The normal draws of noise, step by step for one value. The host runs each step over many lanes
// side by side, a thread of a GPU all of them for four samples.
#pragma once
#include <cstdint>

#include "base/philox.h"

namespace cocola {

// A stretch of kNoiseDraws samples takes kNoiseLanes blocks of Philox; block `lane` gives samples
// lane + {0, 1, 2, 3} * kNoiseLanes of it. Only exactly rounded operations are used, no
// mathematical library, so every machine draws the same bits.
inline constexpr int64_t kNoiseLanes = 64;
inline constexpr int64_t kNoiseDraws = 4 * kNoiseLanes;

constexpr PhiloxKey noise_key(uint64_t seed) {
  return {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
}

// block: of the whole waveform, kNoiseLanes for each stretch.
constexpr PhiloxBlock noise_counter(int64_t block, int64_t epoch, int64_t window) {
  return {static_cast<uint32_t>(block), static_cast<uint32_t>(DrawPurpose::noise) << 24,
          static_cast<uint32_t>(window), static_cast<uint32_t>(epoch)};
}

// ln u for u in (0, 1], by ln m = 2 artanh((m - 1) / (m + 1)) of the mantissa.
constexpr float logarithm(float u) {
  constexpr float kLn2 = 0.693147180559945309417f;
  // Offset so that the mantissa lies in [0.7, 1.4), where the series is short.
  const uint32_t bits = __builtin_bit_cast(uint32_t, u) - 0x3f333333u;
  const auto exponent = static_cast<float>(static_cast<int32_t>(bits) >> 23);
  const auto m = __builtin_bit_cast(float, (bits & 0x7fffffu) + 0x3f333333u);
  const float s = (m - 1.0f) / (m + 1.0f);
  const float s2 = s * s;
  const float series = 1.0f + s2 * (1.0f / 3 + s2 * (1.0f / 5 + s2 * (1.0f / 7 + s2 / 9)));
  return 2.0f * s * series + exponent * kLn2;
}

// Box-Muller: one word gives the radius, one the angle, together two normal draws. This is the
// radius before its root.
constexpr float squared_radius(uint32_t word) {
  const float u = static_cast<float>(static_cast<int32_t>(word >> 8) + 1) * 0x1p-24f;
  return -2.0f * logarithm(u);
}

struct NormalDraws {
  float first, second;
};

constexpr NormalDraws normal_draws(float radius, uint32_t angle_word) {
  constexpr float kPi = 3.14159265358979323846f;
  // The two top bits choose a quarter turn, the others the angle x in [-pi/4, pi/4) within it.
  const auto within = static_cast<int32_t>((angle_word & 0x3fffffffu) >> 6) - (1 << 23);
  const float x = static_cast<float>(within) * (kPi * 0x1p-25f);
  const float x2 = x * x;
  const float sine =
      x * (1.0f - x2 * (1.0f / 6 - x2 * (1.0f / 120 - x2 * (1.0f / 5040 - x2 / 362880))));
  const float cosine = 1.0f - x2 * (0.5f - x2 * (1.0f / 24 - x2 * (1.0f / 720 - x2 / 40320)));
  const bool odd = (angle_word & 0x40000000u) != 0;
  const uint32_t sign = angle_word & 0x80000000u;
  const auto r = __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, radius) ^ sign);
  return {r * (odd ? -sine : cosine), r * (odd ? cosine : sine)};
}

}  // namespace cocola
