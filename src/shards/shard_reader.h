// Reads one shard. HDF5 is used only while opening; contiguous data is then read with pread from
// any thread, any other layout through HDF5 under a lock.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "shards/shard_format.h"

namespace cocola {

// Throws: Error naming file, dataset and value when the file is not a shard of this version, lies
//         outside the expected types and sizes, or is shorter than its datasets say.
class ShardReader {
 public:
  explicit ShardReader(const std::filesystem::path& path);
  ~ShardReader();
  ShardReader(ShardReader&&) noexcept;
  ShardReader& operator=(ShardReader&&) = delete;

  const std::filesystem::path& path() const;
  const std::string& split() const;
  const ShardSettings& settings() const;
  const std::vector<ShardTrack>& tracks() const;
  const std::vector<ShardWindow>& windows() const;
  const std::string& provenance() const;  // JSON text

  // The samples of one stem in one window: out [window_samples]. Thread-safe.
  void read_stem(int64_t window, int64_t stem, std::span<int16_t> out) const;
  // One precomputed pair in dB: anchor, positive [channels, mel_bins, frames]. Thread-safe.
  // scratch: any buffer the caller keeps for reuse.
  void read_features(int64_t window, int64_t pair, std::span<float> anchor,
                     std::span<float> positive, std::vector<uint16_t>& scratch) const;

  // Recomputes the digest of every dataset. Throws: Error naming dataset, expected and found
  // digest.
  void verify() const;
  // True when the fast path (pread) serves that dataset; for tests and cocola_inspect.
  bool reads_directly(const std::string& dataset) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocola
