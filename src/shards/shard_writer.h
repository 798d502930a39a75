// Writes one shard: complete or absent. HDF5 lays the file out when the writer is made and fills in
// digests at the end; between them values are written at their places without it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "shards/shard_format.h"

namespace cocola {

// Requires: all tracks and windows are declared up front (their sizes fix the contiguous datasets);
//           then write_stem() for all stems in order of track and stem, write_features() for all
//           pairs in order of window and pair, and finish(). A shard that holds no stems or no
//           features skips that call. ShardTrack::first_value is computed here.
// Throws:   Error naming the file on a call out of order, a broken rule of the tables and any HDF5
//           error, a full disk included; nothing is left under the final name.
// Law:      the same calls write the same bytes.
// Threads:  one per writer; several writers may work at once.
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path path, const ShardSettings& settings, const std::string& split,
              std::vector<ShardTrack> tracks, std::vector<ShardWindow> windows,
              const std::string& provenance_json);
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  // samples: the next ones of the stem, whose num_samples may come in any number of calls.
  void write_stem(int64_t track, int64_t stem, std::span<const int16_t> samples);
  // anchor, positive: [channels, mel_bins, frames] in dB, encoded here; levels outside the
  // encoding's range become its ends. pair in [0, pairs_per_window).
  void write_features(int64_t window, int64_t pair, std::span<const float> anchor,
                      std::span<const float> positive);
  // Writes dataset digests, closes, flushes, renames. Returns the digest of the whole file.
  // before_rename is called with it and the file's size while the final name is still absent.
  using BeforeRename = std::function<void(const std::string& digest, int64_t num_bytes)>;
  std::string finish(const BeforeRename& before_rename = nullptr);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocola
