// Accuracy at K on a split: of a model, and of the same network before training.
#pragma once
#include <cstdint>
#include <vector>

#include "config/run_config.h"
#include "metrics/confidence.h"
#include "model/cocola_model.h"
#include "shards/shard_set.h"

namespace cocola {

struct AccuracyRow {
  int64_t k = 0;
  MeanEstimate accuracy;  // in [0, 1], 95 % bootstrap interval over songs
};

struct AccuracyTables {
  std::vector<AccuracyRow> trained, untrained;
  int64_t num_songs = 0;  // with windows
};

// Embeds every window of the split once and reads the exact expected accuracy at each K: the chance
// that K - 1 other windows of the split, drawn at random, all score lower than the true one.
// Untrained is a network of the same settings with fresh weights, and with batch-norm statistics of
// some of these windows: with those it was born with, all its embeddings are one.
//
// With training.validation_masks: as_training the pairs of both have the masks of training.augment.
//
// Random: decided by evaluation.seed.
// Throws: Error when a K exceeds the number of windows (both named), and when the shards were made
//         for other windows or features.
AccuracyTables measure_accuracy(const CocolaModel& model, const ShardSet& shards,
                                const RunConfig& config);

}  // namespace cocola
