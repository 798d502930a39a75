// Makes one shard of a plan: decode, lay windows, store stems, store features.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>

#include "preprocess/shard_plan.h"
#include "shards/shard_set.h"

namespace cocola {

// Called with the number of tracks decoded since the last call; returns false to stop.
using TrackProgress = std::function<bool(int64_t)>;

// The manifest entry of an existing shard of this plan, or nothing when there is none.
// Throws: Error when a file of that name was made from other settings or sources, or is damaged.
std::optional<ManifestEntry> existing_shard(const std::filesystem::path& directory,
                                            const PlannedShard& planned,
                                            const ShardSettings& settings);

// Builds the shard with num_threads threads. Nothing when progress asked to stop; no file is left
// then. Throws: Error naming the track and file that cannot be used. Law:    the same bytes for any
// number of threads.
std::optional<ManifestEntry> build_shard(const std::filesystem::path& directory,
                                         const PlannedShard& planned, const RunConfig& config,
                                         const ShardSettings& settings, int64_t num_threads,
                                         const TrackProgress& progress);

}  // namespace cocola
