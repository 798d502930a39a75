// A waveform continued beyond its ends, shared with the GPU.
#pragma once
#include <cstdint>

namespace cocola {

enum class EdgePadding { zeros, reflect };

// Sample `at`, which lies outside by less than the length.
constexpr float padded_sample(const float* waveform, int64_t length, int64_t at,
                              EdgePadding padding) {
  if (at >= 0 && at < length) return waveform[at];
  if (padding == EdgePadding::zeros) return 0.0f;
  return waveform[at < 0 ? -at : 2 * (length - 1) - at];
}

}  // namespace cocola
