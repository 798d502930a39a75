#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "base/philox.h"
#include "batches/augment.h"

namespace cocola {
namespace {

// A waveform needs as many normal draws as samples, so blocks of Philox are computed side by side
// in plain loops that the compiler turns into SIMD. Only exactly rounded operations are used, no
// mathematical library, so every machine draws the same bits.
constexpr size_t kLanes = 64;
constexpr size_t kDraws = 4 * kLanes;  // normal draws of kLanes blocks
template <typename T>
using Lanes = std::array<T, kLanes>;

struct Blocks {
  std::array<Lanes<uint32_t>, 4> words;
};

// Ten rounds of Philox 4x32 of all lanes; the same as philox4x32_10 of each.
void philox_rounds(Blocks& blocks, std::array<uint32_t, 2> key) {
  auto& [c0, c1, c2, c3] = blocks.words;
  for (int round = 0; round < 10; ++round) {
    for (size_t i = 0; i < kLanes; ++i) {
      const uint64_t product0 = uint64_t{0xD2511F53u} * c0[i];
      const uint64_t product1 = uint64_t{0xCD9E8D57u} * c2[i];
      c0[i] = static_cast<uint32_t>(product1 >> 32) ^ c1[i] ^ key[0];
      c1[i] = static_cast<uint32_t>(product1);
      c2[i] = static_cast<uint32_t>(product0 >> 32) ^ c3[i] ^ key[1];
      c3[i] = static_cast<uint32_t>(product0);
    }
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
}

// ln u for u in (0, 1], by ln m = 2 artanh((m - 1) / (m + 1)) of the mantissa.
float logarithm(float u) {
  // Offset so that the mantissa lies in [0.7, 1.4), where the series is short.
  const uint32_t bits = std::bit_cast<uint32_t>(u) - 0x3f333333u;
  const auto exponent = static_cast<float>(static_cast<int32_t>(bits) >> 23);
  const float m = std::bit_cast<float>((bits & 0x7fffffu) + 0x3f333333u);
  const float s = (m - 1.0f) / (m + 1.0f);
  const float s2 = s * s;
  const float series = 1.0f + s2 * (1.0f / 3 + s2 * (1.0f / 5 + s2 * (1.0f / 7 + s2 / 9)));
  return 2.0f * s * series + exponent * std::numbers::ln2_v<float>;
}

// Box-Muller: one word gives the radius, one the angle, together two normal draws.
void box_muller(const Lanes<uint32_t>& radius_words, const Lanes<uint32_t>& angle_words,
                float* first, float* second) {
  Lanes<float> radius;
  for (size_t i = 0; i < kLanes; ++i) {
    const float u = static_cast<float>(static_cast<int32_t>(radius_words[i] >> 8) + 1) * 0x1p-24f;
    radius[i] = -2.0f * logarithm(u);
  }
  for (size_t i = 0; i < kLanes; ++i) radius[i] = std::sqrt(radius[i]);
  for (size_t i = 0; i < kLanes; ++i) {
    // The two top bits choose a quarter turn, the others the angle x in [-pi/4, pi/4) within it.
    const uint32_t word = angle_words[i];
    const auto within = static_cast<int32_t>((word & 0x3fffffffu) >> 6) - (1 << 23);
    const float x = static_cast<float>(within) * (std::numbers::pi_v<float> * 0x1p-25f);
    const float x2 = x * x;
    const float sine =
        x * (1.0f - x2 * (1.0f / 6 - x2 * (1.0f / 120 - x2 * (1.0f / 5040 - x2 / 362880))));
    const float cosine = 1.0f - x2 * (0.5f - x2 * (1.0f / 24 - x2 * (1.0f / 720 - x2 / 40320)));
    const bool odd = (word & 0x40000000u) != 0;
    const uint32_t sign = word & 0x80000000u;
    const float r = std::bit_cast<float>(std::bit_cast<uint32_t>(radius[i]) ^ sign);
    first[i] = r * (odd ? -sine : cosine);
    second[i] = r * (odd ? cosine : sine);
  }
}

}  // namespace

void add_noise(std::span<float> waveform, double noise_std, uint64_t seed, int64_t epoch,
               int64_t window) {
  if (noise_std == 0) return;
  const auto scale = static_cast<float>(noise_std);
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed),
                                       static_cast<uint32_t>(seed >> 32)};
  Blocks blocks;
  std::array<float, kDraws> draws;
  for (size_t start = 0; start < waveform.size(); start += kDraws) {
    for (size_t i = 0; i < kLanes; ++i) {
      blocks.words[0][i] = static_cast<uint32_t>(start / 4 + i);
      blocks.words[1][i] = static_cast<uint32_t>(DrawPurpose::noise) << 24;
      blocks.words[2][i] = static_cast<uint32_t>(window);
      blocks.words[3][i] = static_cast<uint32_t>(epoch);
    }
    philox_rounds(blocks, key);
    const auto& [w0, w1, w2, w3] = blocks.words;
    box_muller(w0, w1, draws.data(), draws.data() + kLanes);
    box_muller(w2, w3, draws.data() + 2 * kLanes, draws.data() + 3 * kLanes);
    const size_t count = std::min(kDraws, waveform.size() - start);
    for (size_t i = 0; i < count; ++i) waveform[start + i] += scale * draws[i];
  }
}

}  // namespace cocola
