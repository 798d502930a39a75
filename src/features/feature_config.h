// Settings of the front end, and the fingerprint that shards, models and scores carry.
#pragma once
#include <cstdint>
#include <string>

namespace cocola {

// hps: two channels, harmonic and percussive (Slaney mel, area norm, dB below the channel's own
// maximum). mel: one channel (HTK mel, no norm, absolute dB).
enum class FeatureKind { hps, mel };

struct FeatureShape {
  int64_t channels = 0, mel_bins = 0, frames = 0;
  int64_t size() const { return channels * mel_bins * frames; }
  bool operator==(const FeatureShape&) const = default;
};

struct FeatureConfig {
  FeatureKind kind = FeatureKind::hps;
  // Sampling rate of the waveform, Hz. Range [1000, 96000]. Set from data.sample_rate_hz.
  int64_t sample_rate_hz = 16000;
  // Points of the Fourier transform. Even, range [64, 8192].
  int64_t fft_size = 1024;
  // Length of the periodic Hann taper, centred in the frame, in samples. Range [1, fft_size].
  int64_t taper_samples = 400;
  // Samples between frames. Range [1, fft_size].
  int64_t hop_samples = 160;
  // Mel bands. Range [1, 512].
  int64_t mel_bins = 64;
  // Lowest and highest frequency of the mel bands, Hz. Range [0, sample_rate_hz / 2].
  double min_hz = 60.0;
  double max_hz = 7800.0;

  void validate() const;
  int64_t channels() const { return kind == FeatureKind::hps ? 2 : 1; }
  // Features of num_samples samples: [channels, mel_bins, 1 + num_samples / hop_samples].
  FeatureShape shape(int64_t num_samples) const;
  // Canonical text of every setting that changes a value, e.g. "hps-v1 rate=16000 fft=1024 ...".
  std::string description() const;
  // 16 hexadecimal digits of a hash of description().
  std::string fingerprint() const;
  bool operator==(const FeatureConfig&) const = default;
};

}  // namespace cocola
