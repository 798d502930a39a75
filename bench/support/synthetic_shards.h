// Shards to measure with: as many tracks and windows as asked, all of the same music.
#pragma once
#include <cstdint>
#include <filesystem>

#include "features/feature_config.h"
#include "shards/shard_set.h"

namespace cocola::bench {

struct SyntheticShards {
  int64_t num_shards = 1, tracks_per_shard = 1, windows_per_track = 1, num_stems = 4;
  int64_t window_samples = 80'000, hop_samples = 40'000;
  bool store_features = false;  // one pair a window, beside the stems
};

// The split "train" in a folder that exists: decaying notes over a little noise, about as regular
// as music. Returns what its manifest says.
Manifest write_synthetic_shards(const std::filesystem::path& folder, const SyntheticShards& shards,
                                const FeatureConfig& features);

}  // namespace cocola::bench
