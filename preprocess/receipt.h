// What became of a planned shard, and from what: lets a later run continue, and whichever process
// ends last write the manifest. One small JSON file a shard, in <shards>/receipts/.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "shards/shard_set.h"

namespace cocola {

// A file that a shard is made from.
struct SourceFile {
  std::string track, stem;
  std::filesystem::path path;  // receipts keep only its name, so that a data set can move
  int64_t num_bytes = 0;
  int64_t modified_ns = 0;  // of the file system's clock
  std::string digest;       // of the whole file; empty until it is read
};

struct ShardReceipt {
  ManifestEntry entry;  // without tracks when none could be used; there is no such file then
  std::vector<SkippedTrack> skipped;
  std::vector<SourceFile> sources;  // in order of track, stem, name
  Json settings;                    // all that decides the shard's bytes beside the sources
};

// Written atomically, before the shard appears under its final name: a shard without a receipt is
// not of this program.
void write_receipt(const std::filesystem::path& directory, const ShardReceipt& receipt);
// Nothing when there is none. Throws: Error naming the file when it is damaged.
std::optional<ShardReceipt> read_receipt(const std::filesystem::path& directory,
                                         const std::string& shard);
void remove_receipt(const std::filesystem::path& directory, const std::string& shard);
// Names of the shards that have one, sorted.
std::vector<std::string> receipts_in(const std::filesystem::path& directory);

}  // namespace cocola
