// Writes audio files with libsndfile itself, never through the code under test.
#pragma once
#include <sndfile.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace cocola::testing {

// frames: [n, channels]. format: SF_FORMAT_... of container and coding.
inline void write_sound(const std::filesystem::path& path, const std::vector<float>& frames,
                        int sample_rate_hz, int channels = 1,
                        int format = SF_FORMAT_WAV | SF_FORMAT_PCM_16) {
  SF_INFO info{};
  info.samplerate = sample_rate_hz;
  info.channels = channels;
  info.format = format;
  SNDFILE* const file = sf_open(path.c_str(), SFM_WRITE, &info);
  if (file == nullptr) throw std::runtime_error(path.string() + ": " + sf_strerror(nullptr));
  const auto n = static_cast<sf_count_t>(frames.size());
  const bool complete = sf_write_float(file, frames.data(), n) == n;
  if (sf_close(file) != 0 || !complete) throw std::runtime_error(path.string() + ": not written");
}

// num_samples of a tone; phase 0 at sample 0.
inline std::vector<float> tone(int64_t num_samples, double cycles_per_sample, double amplitude) {
  constexpr double kTurn = 6.283185307179586;
  std::vector<float> samples(static_cast<size_t>(num_samples));
  for (size_t i = 0; i < samples.size(); ++i) {
    const double phase = kTurn * cycles_per_sample * static_cast<double>(i);
    samples[i] = static_cast<float>(amplitude * std::sin(phase));
  }
  return samples;
}

}  // namespace cocola::testing
