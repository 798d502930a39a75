// Which tracks go into which shard: decided before any work, the same on every run and rank.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "preprocess/receipt.h"
#include "shards/shard_format.h"
#include "stems/track.h"

namespace cocola {

struct PlannedShard {
  std::string file;  // "train-00003.h5"
  std::string split;
  std::vector<TrackFiles> tracks;
};

// Tracks in order of name, data.tracks_per_shard to a shard.
std::vector<PlannedShard> plan_shards(const RunConfig& config, std::vector<TrackFiles> tracks);

// All files of the shard's tracks as they lie there now, without digests.
// Throws: Error naming a file that cannot be looked at.
std::vector<SourceFile> sources_of(const PlannedShard& planned);

// What every shard of this configuration shares.
ShardSettings shard_settings(const RunConfig& config);
// Everything in a configuration that decides the bytes of its shards, beside the sources.
Json deciding_settings(const RunConfig& config);

// What a receipt was made from that is not what is planned now: the first difference in words, or
// nothing. A file that was only touched is read again and compared by its digest.
std::string first_difference(const PlannedShard& planned, const Json& settings,
                             const ShardReceipt& receipt);

}  // namespace cocola
