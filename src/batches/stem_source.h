// The stems of a pair: which they are, and their samples.
#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "features/feature_config.h"
#include "shards/shard_set.h"
#include "stems/submix.h"

namespace cocola {

struct PairStems {
  SubmixChoice choice;
  float gain = 1.0f;  // of every stem
  int64_t key = 0;    // the window in draws of noise
};

// One per thread.
class StemSource {
 public:
  virtual ~StemSource() = default;
  // Of a window.
  virtual int64_t num_samples() const = 0;
  // Reads no file. Random: decided by (seed, epoch, window) alone.
  virtual PairStems stems_of(int64_t window, int64_t epoch) = 0;
  // out [num_samples]
  virtual void read(int64_t window, int stem, std::span<int16_t> out) = 0;
};

// Throws: Error when the shards hold no stems, or none at the rate of `features`.
std::unique_ptr<StemSource> open_stems(const ShardSet& shards, const FeatureConfig& features,
                                       uint64_t seed);

// Throws: Error naming a shard's file and both rates when stems are not at the rate of `features`.
void check_rate(const ShardSet& shards, const FeatureConfig& features);

}  // namespace cocola
