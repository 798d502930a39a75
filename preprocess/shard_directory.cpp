#include "preprocess/shard_directory.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "config/command_line.h"
#include "config/config_file.h"

namespace cocola {

namespace fs = std::filesystem;

ShardDirectory::ShardDirectory(const RunConfig& config, const std::vector<PlannedShard>& plan,
                               std::vector<SkippedTrack> found_bad)
    : config_(config),
      plan_(plan),
      found_bad_(std::move(found_bad)),
      path_(config.data.shards),
      settings_(deciding_settings(config)) {}

std::string ShardDirectory::objection_to(const PlannedShard& shard) const {
  const std::optional<ShardReceipt> receipt = read_receipt(path_, shard.file);
  if (receipt) return first_difference(shard, settings_, *receipt);
  return fs::exists(path_ / shard.file) ? "it has no receipt, so it is of unknown making" : "";
}

std::vector<std::string> ShardDirectory::unplanned() const {
  std::set<std::string> planned;
  for (const PlannedShard& shard : plan_) planned.insert(shard.file);
  std::vector<std::string> others = receipts_in(path_);
  std::erase_if(others, [&](const std::string& shard) { return planned.contains(shard); });
  return others;
}

void ShardDirectory::require_consistent() const {
  const auto refuse = [&](const std::string& shard, const std::string& problem) {
    fail("preprocess",
         "{}: {}; choose another data.shards, or build again what differs with --rebuild",
         (path_ / shard).string(), problem);
  };
  for (const PlannedShard& shard : plan_) {
    const std::string objection = objection_to(shard);
    if (!objection.empty()) refuse(shard.file, objection);
  }
  const std::vector<std::string> others = unplanned();
  if (!others.empty()) refuse(others[0], "its tracks are not found any more");
}

void ShardDirectory::remove_outdated() const {
  std::vector<std::string> outdated = unplanned();
  for (const PlannedShard& shard : plan_) {
    const std::string objection = objection_to(shard);
    if (objection.empty()) continue;
    log_info("{}: {}; built again", shard.file, objection);
    outdated.push_back(shard.file);
  }
  if (!outdated.empty()) fs::remove(path_ / kManifestName);
  for (const std::string& shard : outdated) {
    fs::remove(path_ / shard);
    remove_receipt(path_, shard);
  }
}

std::optional<ShardReceipt> ShardDirectory::receipt_of(const PlannedShard& shard) const {
  std::optional<ShardReceipt> receipt = read_receipt(path_, shard.file);
  if (!receipt || receipt->entry.num_tracks == 0) return receipt;
  std::error_code error;
  const auto size = fs::file_size(path_ / shard.file, error);
  if (error) return std::nullopt;
  if (static_cast<int64_t>(size) != receipt->entry.num_bytes) {
    log_warning("{}: {} bytes, {} were written; built again", (path_ / shard.file).string(), size,
                receipt->entry.num_bytes);
    return std::nullopt;
  }
  return receipt;
}

bool ShardDirectory::has(const PlannedShard& shard) const { return receipt_of(shard).has_value(); }

bool ShardDirectory::complete(Manifest& manifest) const {
  manifest = {shard_settings(config_), print_config(config_, false), kVersion, {}, found_bad_};
  for (const PlannedShard& shard : plan_) {
    const std::optional<ShardReceipt> receipt = receipt_of(shard);
    if (!receipt) return false;
    manifest.skipped.insert(manifest.skipped.end(), receipt->skipped.begin(),
                            receipt->skipped.end());
    if (receipt->entry.num_tracks > 0) manifest.shards.push_back(receipt->entry);
  }
  if (!manifest.skipped.empty() && config_.data.on_bad_track == OnBadTrack::fail) {
    fail("preprocess",
         "{}; {} track(s) were skipped by an earlier run; repair them, or set "
         "data.on_bad_track: skip",
         manifest.skipped[0].reason, manifest.skipped.size());
  }
  const bool has_windows = std::ranges::any_of(
      manifest.shards, [](const ManifestEntry& entry) { return entry.num_windows > 0; });
  if (!has_windows) {
    fail("preprocess",
         "{}: no windows at all; add tracks, or lower data.window_seconds or "
         "data.audible_dbfs",
         path_.string());
  }
  bool is_there = false;
  try {
    is_there = fs::exists(path_ / kManifestName) && read_manifest(path_) == manifest;
  } catch (const Error& error) {
    log_warning("{}; written again", error.message());
  }
  if (!is_there) write_manifest(path_, manifest);
  return true;
}

}  // namespace cocola
