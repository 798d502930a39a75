// Makes one shard of a plan: decode, lay windows, store stems, store features.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>

#include "preprocess/receipt.h"
#include "preprocess/shard_plan.h"

namespace cocola {

// Called with the number of tracks finished since the last call, often 0; returns false to stop.
using TrackProgress = std::function<bool(int64_t)>;

// Builds the shard and its receipt with num_threads threads, unless progress asked to stop: then
// nothing is returned and no file left.
//
// Memory: a few blocks of audio a thread, 64 pairs of features, and the shard's tables, whatever
//         the length of a track; decoded tracks wait in nameless files in `directory`.
// Throws: Error naming the first bad track, with config.data.on_bad_track = fail (the others are
//         logged), and a full disk.
// Law:    the same bytes for any number of threads.
std::optional<ShardReceipt> build_shard(const std::filesystem::path& directory,
                                        const PlannedShard& planned, const RunConfig& config,
                                        int64_t num_threads, const TrackProgress& progress);

}  // namespace cocola
