// Writes one shard: complete or absent. One thread per process may use HDF5 at a time.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "shards/shard_format.h"

namespace cocola {

// Requires: all tracks are declared up front (their sizes fix the contiguous datasets); then for
// each track in
//           order write_stem() for its stems, and write_features() for its windows in order; then
//           finish(). A shard that holds no stems or no features skips that call.
// Throws:   Error naming the file on any HDF5 error, a full disk included; nothing is left under
// the final name.
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path path, const ShardSettings& settings, const std::string& split,
              std::vector<ShardTrack> tracks, std::vector<ShardWindow> windows,
              const std::string& provenance_json);
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  // samples: [num_samples of the track].
  void write_stem(int64_t track, int64_t stem, std::span<const int16_t> samples);
  // anchor, positive: [channels, mel_bins, frames] in dB, encoded here. pair in [0,
  // pairs_per_window).
  void write_features(int64_t window, int64_t pair, std::span<const float> anchor,
                      std::span<const float> positive);
  // Writes dataset digests, closes, flushes, renames. Returns the digest of the whole file.
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocola
