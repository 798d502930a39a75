// Notes of an instrument over a little noise.
#pragma once
#include <cmath>
#include <cstdint>

#include "audio/audio_file.h"
#include "base/philox.h"
#include "eval/small_model.h"

namespace cocola::testing {

inline Waveform music(int64_t num_samples, double cycles_per_sample, uint64_t seed) {
  PhiloxStream noise(seed, DrawPurpose::noise, 0, 0, 0);
  Waveform waveform{.samples = {}, .sample_rate_hz = kSmallRateHz};
  for (int64_t i = 0; i < num_samples; ++i) {
    const double decay = std::exp(-static_cast<double>(i % 1500) / 500.0);
    const double note = std::sin(6.283 * cycles_per_sample * static_cast<double>(i));
    waveform.samples.push_back(
        static_cast<float>(0.3 * decay * note + 0.01 * static_cast<double>(noise.next_normal())));
  }
  return waveform;
}

}  // namespace cocola::testing
