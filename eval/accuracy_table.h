// Accuracy at K on a split, for one model.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "metrics/confidence.h"
#include "model/cocola_model.h"
#include "shards/shard_set.h"

namespace cocola {

struct AccuracyRow {
  int64_t k = 0;
  Interval accuracy;  // in [0, 1], 95 % bootstrap interval over songs
};

// Embeds every window of the split once and reads the exact expected accuracy at each K: the chance
// that K - 1 other windows of the split, drawn at random, all score lower than the true one.
//
// Throws: Error when a K exceeds the number of windows (both named).
std::vector<AccuracyRow> accuracy_table(const CocolaModel& model, const ShardSet& shards,
                                        const RunConfig& config);

}  // namespace cocola
