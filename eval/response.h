// How the score answers to damage: the true pairs of a split, with one side damaged more and more.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "eval/degradation.h"
#include "eval/trained_model.h"
#include "metrics/confidence.h"
#include "shards/shard_set.h"

namespace cocola {

struct ResponseRow {
  double strength = 0.0;  // 0: not damaged
  MeanEstimate score;     // over windows, 95 % bootstrap interval over songs
  MeanEstimate change;    // from strength 0, window by window
};

struct DamageResponse {
  const DamageKind* kind = nullptr;
  std::vector<ResponseRow> rows;  // by strength, from 0
  // Spearman's correlation of strength and mean score; empty when the means are equal but for
  // rounding.
  std::optional<double> trend;
  // From the least damage to the greatest, window by window: what a damage costs at any strength,
  // such as the blur of a phase vocoder, is not in it.
  MeanEstimate growth;
  // The trend is negative, and the whole intervals of the change at the greatest strength and of
  // the growth are below 0.
  bool falls = false;
};

// Shapes: scores [strengths + 1][n], not damaged first; songs [n] with entries in [0, num_songs).
DamageResponse summarise_response(const DamageKind& kind,
                                  const std::vector<std::vector<double>>& scores,
                                  std::span<const int64_t> songs, int64_t num_songs, uint64_t seed);

struct ModeResponse {
  std::string mode;  // both, harmonic, percussive
  std::vector<DamageResponse> damages;
};

struct ResponseReport {
  std::vector<ModeResponse> modes;  // both alone for models with one channel
  int64_t num_windows = 0, num_songs = 0;
};

// The text of --windows. Throws: UsageError unless it is a whole number in [2, 1000000].
int64_t parse_response_windows(const std::string& text);
inline constexpr const char* kResponseWindows = "128";

// Scores the evaluation's sub-mix pairs of up to num_windows windows: anchors as they are,
// positives with every damage at every strength. wrong_song replaces the positives of that share of
// the windows by those of other songs.
//
// Random: windows and sub-mixes are decided by evaluation.seed.
// Throws: Error when the shards hold no stems, their windows or rate are not those of the model, or
//         all windows are of one song; and for a score that is not finite.
ResponseReport measure_response(const TrainedModel& model, const ShardSet& shards,
                                const RunConfig& config, int64_t num_windows);

}  // namespace cocola
