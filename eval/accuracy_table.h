// Accuracy at K on a split: of a model, of the same network before training, and of similarities
// that need no network.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "eval/accuracy_batches.h"
#include "eval/accuracy_groups.h"
#include "metrics/confidence.h"
#include "model/cocola_model.h"
#include "objective/accuracy.h"
#include "shards/shard_set.h"
#include "training/validation.h"

namespace cocola {

struct AccuracyRow {
  int64_t k = 0;
  MeanEstimate accuracy;  // in [0, 1], 95 % bootstrap interval over songs
};

// What one similarity reads on a set of windows: their anchors against their positives.
struct SimilarityAccuracy {
  std::vector<AccuracyRow> rows;    // at the K of evaluation.k that are not above their number
  std::vector<Standing> standings;  // [n]
  std::vector<int64_t> songs;       // [n] index over the split

  int64_t num_songs() const;
  // Requires: k in [2, n].
  double at(int64_t k) const;
  MeanEstimate estimate_at(int64_t k, uint64_t seed) const;
};

// In random batches of K, as the papers measure.
struct BatchedRow {
  int64_t k = 0, num_passes = 0;
  Spread accuracy;  // over the passes
};

// Accuracy at K = 2 of some anchors, against the positives of the whole split.
struct InstrumentRow {
  int64_t num_windows = 0;
  MeanEstimate accuracy;
};

struct AccuracyTables {
  SimilarityAccuracy trained, untrained, loudness, onsets;
  std::vector<BatchedRow> batched;                      // trained
  std::map<std::string, SimilarityAccuracy> datasets;   // trained; windows of one set alone
  std::map<InstrumentPair, InstrumentRow> instruments;  // trained
  int64_t num_songs = 0, num_windows = 0;               // songs that have windows
};

// Embeds every window of the split once and reads the exact expected accuracy at each K: the chance
// that K - 1 other windows of the split, drawn at random, all score lower than the true one.
// Untrained is a network of the same settings with fresh weights, and with batch-norm statistics of
// some of these windows: with those it was born with, all its embeddings are one. Loudness and
// onsets correlate the envelopes of the two views.
//
// With training.validation_masks: as_training the pairs of both networks have the masks of
// training.augment.
//
// Random: decided by evaluation.seed.
// Throws: Error when there is one window alone or a K exceeds the number of windows (both named),
//         when the shards were made for other windows or features, and when an embedding is not
//         finite (window and track named).
AccuracyTables measure_accuracy(const CocolaModel& model, const ShardSet& shards,
                                const RunConfig& config);

// Throws: Error naming the first window, its track and place, whose embeddings are not finite.
void require_finite(const WindowEmbeddings& embeddings, const ShardSet& shards,
                    const char* network);

}  // namespace cocola
