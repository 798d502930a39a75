// Which tracks go into which shard: decided before any work, the same on every run.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "shards/shard_format.h"
#include "stems/track.h"

namespace cocola {

struct PlannedShard {
  std::string file;  // "train-00003.h5"
  std::string split;
  std::vector<TrackFiles> tracks;
  // JSON text kept in the shard: what it was made from. A shard with another text is not this one.
  std::string provenance;
};

// Tracks in order of name, data.tracks_per_shard to a shard.
std::vector<PlannedShard> plan_shards(const RunConfig& config,
                                      const std::vector<TrackFiles>& tracks);

// What every shard of this configuration shares.
ShardSettings shard_settings(const RunConfig& config);

}  // namespace cocola
