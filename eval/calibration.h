// What a score is worth: the scores of true and of mismatched pairs of a reference set, kept with
// the model, so that scores of two models can be compared. Measured by eval/calibrate.h.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cocola {

// Scores of many pairs, as their quantiles.
struct ScoreDistribution {
  std::vector<double> quantiles;  // ascending, of evenly spaced shares from 0 to 1; 2 or more
  int64_t count = 0;              // scores they were taken from, at least 1

  // The share of the scores at or below this one, equal ones counted half, in [0, 100]; linear
  // between quantiles.
  //
  // Throws: Error for a score that is not a number.
  // Law:    ascends with the score; 0 below and 100 above all; the same after a * score + b of all
  //         scores, a > 0, to rounding.
  double percentile(double score) const;

  // The score below which that share of them lies, linear between quantiles.
  // Requires: share in [0, 1].
  double quantile(double share) const;

  bool operator==(const ScoreDistribution&) const = default;
};

inline constexpr size_t kNumQuantiles = 201;  // every half percent

// kNumQuantiles of them, linear between neighbours in order.
// Throws: Error for no scores and for one that is not finite.
ScoreDistribution distribution_of(std::span<const double> scores);

struct ModeCalibration {
  ScoreDistribution true_pairs, mismatched;

  // The percentile of the median true pair among mismatched ones.
  double median_true_percentile() const { return mismatched.percentile(true_pairs.quantile(0.5)); }
  bool operator==(const ModeCalibration&) const = default;
};

struct Calibration {
  ModeCalibration both;
  std::optional<ModeCalibration> harmonic, percussive;  // empty for models without HPS features

  // Where the pairs came from. A score here is that of one window.
  std::string split;
  int64_t num_songs = 0, num_windows = 0;
  uint64_t seed = 0;         // of sub-mixes and of mismatched pairs
  std::string data_digest;   // of the shards' manifest
  std::string model_digest;  // LoadedModel::digest of the model that scored

  bool operator==(const Calibration&) const = default;
};

// By name of the score: both, harmonic, percussive.
std::vector<std::pair<const char*, const ModeCalibration*>> modes_of(
    const Calibration& calibration);

// As it stands in ModelCard::calibration; numbers keep all their digits.
std::string calibration_to_json(const Calibration& calibration);

// Keys it does not know are passed over.
//
// Throws: Error naming `origin` and the key that is missing or holds no value for it.
// Law:    the inverse of the above.
Calibration calibration_from_json(const std::string& text, const std::string& origin);

}  // namespace cocola
