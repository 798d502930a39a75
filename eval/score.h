// The COCOLA score of two recordings.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

#include "audio/audio_file.h"
#include "model/model_file.h"

namespace cocola {

struct ScoreStatistics {
  double mean = 0.0;
  double spread = 0.0;  // standard deviation over windows; 0 for one window
};

struct PairScore {
  // Empty when no window was audible in both files; harmonic and percussive also for models without
  // HPS features.
  std::optional<ScoreStatistics> both, harmonic, percussive;
  int64_t num_windows = 0;         // scored
  int64_t num_silent_windows = 0;  // left out: one of the files is below -60 dBFS there
};

// Scores `a` (context) against `b` (candidate) over windows of the model's length: one every hop,
// and one that ends with the shorter file. Shorter files are padded with zeros on the right.
// bilinear: h_a^T W h_b; cosine: in [-1, 1].
//
// hop: share of a window, range (0, 1].
// Requires: both waveforms at the model's rate.
PairScore score_pair(const LoadedModel& model, const Waveform& a, const Waveform& b, double hop);

// Start samples of those windows.
std::vector<int64_t> score_windows(int64_t num_samples, int64_t window_samples, double hop);

}  // namespace cocola
