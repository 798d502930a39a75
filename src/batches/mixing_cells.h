// The arithmetic of sub-mixes from packed stems, four samples at a time. The kernel of the GPU runs
// these cells, and so does a plain loop where there is none.
#pragma once
#include <cmath>
#include <cstdint>

#include "batches/noise_draws.h"

namespace cocola {

// Cell i of B * cells_per_signal() makes four samples of one signal, those of one block of noise.
//
// Law: the bits of add_stem in the order of rows, and of add_noise after it.
struct MixedSamples {
  const int16_t* rows;        // stems, of num_samples each; the first is row first_rows[0]
  const int64_t* first_rows;  // [B + 1]
  const float* gains;         // [B]
  const int64_t* keys;        // [B]
  float* waveforms;           // [B, num_samples]
  int64_t num_samples;
  float noise_std;  // 0 draws none
  uint64_t seed;
  int64_t epoch;

  constexpr int64_t cells_per_signal() const {
    return (num_samples + kNoiseDraws - 1) / kNoiseDraws * kNoiseLanes;
  }

  constexpr void operator()(int64_t i) const {
    const int64_t signal = i / cells_per_signal(), block = i % cells_per_signal();
    const int64_t first = block / kNoiseLanes * kNoiseDraws + block % kNoiseLanes;
    float samples[4] = {};
    for (int64_t row = first_rows[signal]; row < first_rows[signal + 1]; ++row) {
      const int16_t* const stem = rows + (row - first_rows[0]) * num_samples;
      for (int64_t k = 0, n = first; k < 4 && n < num_samples; ++k, n += kNoiseLanes) {
        samples[k] += gains[signal] * static_cast<float>(stem[n]);
      }
    }
    if (noise_std != 0.0f) add_draws(samples, block, keys[signal]);
    float* const waveform = waveforms + signal * num_samples;
    for (int64_t k = 0, n = first; k < 4 && n < num_samples; ++k, n += kNoiseLanes) {
      waveform[n] = samples[k];
    }
  }

 private:
  constexpr void add_draws(float (&samples)[4], int64_t block, int64_t key) const {
    const PhiloxBlock words = philox4x32_10(noise_counter(block, epoch, key), noise_key(seed));
    for (int half = 0; half < 2; ++half) {
      const float radius = std::sqrt(squared_radius(words[2 * half]));
      const NormalDraws draws = normal_draws(radius, words[2 * half + 1]);
      samples[2 * half] += noise_std * draws.first;
      samples[2 * half + 1] += noise_std * draws.second;
    }
  }
};

// Every cell i < n once, queued on the current stream of the current device. Throws: Error in a
// build without CUDA.
void mix_on_gpu(const MixedSamples& cells, int64_t n);

}  // namespace cocola
