#include <algorithm>
#include <array>
#include <cmath>

#include "batches/augment.h"
#include "batches/noise_draws.h"

namespace cocola {
namespace {

// A waveform needs as many normal draws as samples, so blocks of Philox are computed side by side
// in plain loops that the compiler turns into SIMD.
constexpr auto kLanes = static_cast<size_t>(kNoiseLanes);
constexpr auto kDraws = static_cast<size_t>(kNoiseDraws);
template <typename T>
using Lanes = std::array<T, kLanes>;

struct Blocks {
  std::array<Lanes<uint32_t>, 4> words;
};

// philox4x32_10 of all lanes.
void philox_rounds(Blocks& blocks, PhiloxKey key) {
  auto& [c0, c1, c2, c3] = blocks.words;
  for (int round = 0; round < kPhiloxRounds; ++round) {
    for (size_t i = 0; i < kLanes; ++i) philox_round(c0[i], c1[i], c2[i], c3[i], key);
    advance(key);
  }
}

void box_muller(const Lanes<uint32_t>& radius_words, const Lanes<uint32_t>& angle_words,
                float* first, float* second) {
  Lanes<float> radius;
  for (size_t i = 0; i < kLanes; ++i) radius[i] = squared_radius(radius_words[i]);
  for (size_t i = 0; i < kLanes; ++i) radius[i] = std::sqrt(radius[i]);
  for (size_t i = 0; i < kLanes; ++i) {
    const NormalDraws draws = normal_draws(radius[i], angle_words[i]);
    first[i] = draws.first;
    second[i] = draws.second;
  }
}

}  // namespace

void add_noise(std::span<float> waveform, double noise_std, uint64_t seed, int64_t epoch,
               int64_t window) {
  if (noise_std == 0) return;
  const auto scale = static_cast<float>(noise_std);
  Blocks blocks;
  std::array<float, kDraws> draws;
  for (size_t start = 0; start < waveform.size(); start += kDraws) {
    for (size_t i = 0; i < kLanes; ++i) {
      const PhiloxBlock counter = noise_counter(static_cast<int64_t>(start / 4 + i), epoch, window);
      for (size_t word = 0; word < 4; ++word) blocks.words[word][i] = counter[word];
    }
    philox_rounds(blocks, noise_key(seed));
    const auto& [w0, w1, w2, w3] = blocks.words;
    box_muller(w0, w1, draws.data(), draws.data() + kLanes);
    box_muller(w2, w3, draws.data() + 2 * kLanes, draws.data() + 3 * kLanes);
    const size_t count = std::min(kDraws, waveform.size() - start);
    for (size_t i = 0; i < count; ++i) waveform[start + i] += scale * draws[i];
  }
}

}  // namespace cocola
