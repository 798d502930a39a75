// The scores of many pairs, as a document, a table and a page of text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "eval/calibration.h"
#include "eval/pair_list.h"
#include "eval/score.h"

namespace cocola {

struct ScoredPair {
  NamedPair pair;
  PairScore score;
  // The file could not be read, or no score came of it; then there is no curve.
  std::string problem;

  // Why scores are missing, in words; empty when none is.
  std::string reason() const;
};

// What pairs of one system score together.
struct SystemScores {
  std::string name;
  int64_t num_pairs = 0;                                      // that have a score
  std::optional<ScoreStatistics> both, harmonic, percussive;  // spread: over pairs
};

struct ScoreSet {
  std::string model, model_digest, feature_description;
  double hop = 0.0;             // share of a window
  double window_seconds = 0.0;  // of the model
  // That of the model. A pair's score is placed among its scores of single windows.
  std::optional<Calibration> calibration;
  std::vector<ScoredPair> scores;
  std::vector<std::string> unmatched_a, unmatched_b;

  // Highest `both` first, pairs without a score last; equal ones stay in order.
  void rank();
  int64_t num_problems() const;
  // In order of their first pair; none when no pair names a system.
  std::vector<SystemScores> systems() const;

  OrderedJson to_json(bool with_curve) const;
  // One row for each pair, with a header; empty cells are unknown. Labels are columns of their own.
  // Requires: one pair or more, all with the same labels.
  std::string to_csv() const;
  // ranked: numbers the rows.
  std::string to_text(bool ranked, bool with_curve) const;
};

// Where a score lies among those of a calibration, percentiles in [0, 100].
struct ScorePlace {
  double true_pairs = 0.0, mismatched = 0.0;
};
// Empty where there is no score, or no calibration of its mode.
struct PairPlaces {
  std::optional<ScorePlace> both, harmonic, percussive;
};
PairPlaces places_of(const PairScore& score, const std::optional<Calibration>& calibration);

// The curve as the document holds it, and back.
OrderedJson curve_to_json(const std::vector<WindowScore>& curve);
std::vector<WindowScore> curve_from_json(const Json& json);

}  // namespace cocola
