// The windows of a recording, and their features.
#pragma once
#include <ATen/core/Tensor.h>

#include <compare>
#include <cstdint>
#include <vector>

#include "audio/audio_file.h"
#include "features/feature_extractor.h"

namespace cocola {

// Start samples of the windows of a recording: one every `hop` windows, and one that ends with it.
// A recording shorter than a window has one, at 0.
std::vector<int64_t> score_windows(int64_t num_samples, int64_t window_samples, double hop);

// `count` samples from `start` on, then zeros up to the length of a window.
struct WindowPlace {
  int64_t start = 0, count = 0;
  auto operator<=>(const WindowPlace&) const = default;
};

// The windows of two recordings that start together, up to the end of the shorter one.
std::vector<WindowPlace> shared_windows(int64_t num_samples_a, int64_t num_samples_b,
                                        int64_t window_samples, double hop);

// `count` samples from `start` on, then zeros up to `length`.
std::vector<float> excerpt(const Waveform& waveform, int64_t start, int64_t count, int64_t length);

// At -60 dBFS (RMS) or below.
bool is_silent(const std::vector<float>& window);

// Shapes: windows of one length, at least one; result [n, C, M, F] float32.
at::Tensor features_of(FeatureExtractor& extractor, const std::vector<std::vector<float>>& windows);

}  // namespace cocola
