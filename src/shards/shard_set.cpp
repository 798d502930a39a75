#include "shards/shard_set.h"

#include <sys/resource.h>

#include <algorithm>
#include <functional>

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"

namespace cocola {
namespace {

std::vector<const ManifestEntry*> entries_of(const Manifest& manifest,
                                             const std::set<std::string>& splits) {
  std::vector<const ManifestEntry*> entries;
  for (const ManifestEntry& entry : manifest.shards) {
    if (splits.contains(entry.split)) entries.push_back(&entry);
  }
  return entries;
}

// The entries of one of num_parts shares: from the largest down, each goes to the share that has
// the fewest bytes so far.
std::vector<const ManifestEntry*> share_of(std::vector<const ManifestEntry*> entries, int64_t part,
                                           int64_t num_parts) {
  std::ranges::stable_sort(entries, std::greater(), &ManifestEntry::num_bytes);
  std::vector<int64_t> bytes(static_cast<size_t>(num_parts), 0);
  std::vector<const ManifestEntry*> share;
  for (const ManifestEntry* entry : entries) {
    const auto least = std::ranges::min_element(bytes);
    if (least - bytes.begin() == part) share.push_back(entry);
    *least += entry->num_bytes;
  }
  return share;
}

// Finds a file that was cut or is missing at no cost.
void require_length(const std::filesystem::path& path, int64_t expected) {
  std::error_code error;
  const uintmax_t found = std::filesystem::file_size(path, error);
  if (error) fail("shard_set", "{}: {}; the manifest lists it", path.string(), error.message());
  if (found != static_cast<uintmax_t>(expected)) {
    fail("shard_set", "{} has {} bytes, the manifest says {}; make the shard again", path.string(),
         found, expected);
  }
}

// Every shard stays open, and the usual limit is 1,024 files.
void allow_open_files(size_t num_shards) {
  constexpr rlim_t kOthers = 256;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= num_shards + kOthers) return;
  limit.rlim_cur = std::min<rlim_t>(num_shards + kOthers, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

void require_match(const ShardReader& reader, const Manifest& manifest,
                   const ManifestEntry& entry) {
  const std::string path = reader.path().string();
  if (reader.settings() != manifest.settings) {
    fail("shard_set", "{}: settings {}, the manifest says {}; mixed shards cannot be used together",
         path, settings_to_json(reader.settings()).dump(),
         settings_to_json(manifest.settings).dump());
  }
  if (reader.split() != entry.split) {
    fail("shard_set", "{}: belongs to split \"{}\", the manifest says \"{}\"", path, reader.split(),
         entry.split);
  }
  const auto num_tracks = static_cast<int64_t>(reader.tracks().size());
  const auto num_windows = static_cast<int64_t>(reader.windows().size());
  if (num_tracks != entry.num_tracks || num_windows != entry.num_windows) {
    fail("shard_set", "{}: {} tracks and {} windows, the manifest says {} and {}", path, num_tracks,
         num_windows, entry.num_tracks, entry.num_windows);
  }
}

}  // namespace

void verify_shards(const std::filesystem::path& directory, const Manifest& manifest,
                   const std::set<std::string>& splits, int64_t part, int64_t num_parts) {
  for (const ManifestEntry* entry : share_of(entries_of(manifest, splits), part, num_parts)) {
    const std::filesystem::path path = directory / entry->file;
    require_length(path, entry->num_bytes);
    const std::string found = digest_of_file(path);
    if (found != entry->digest) {
      fail("shard_set",
           "{} is damaged: its digest is {}, the manifest says {}; make the shard again",
           path.string(), found, entry->digest);
    }
  }
}

ShardSet::ShardSet(const std::filesystem::path& directory, const std::string& split, bool verify)
    : directory_(directory), manifest_(read_manifest(directory)) {
  const auto entries = entries_of(manifest_, {split});
  if (verify) verify_shards(directory, manifest_, {split}, 0, 1);
  allow_open_files(entries.size());
  readers_.reserve(entries.size());
  for (const ManifestEntry* entry : entries) {
    const std::filesystem::path path = directory / entry->file;
    require_length(path, entry->num_bytes);
    require_match(readers_.emplace_back(path), manifest_, *entry);
    first_window_.push_back(num_windows_);
    first_track_.push_back(num_tracks_);
    num_windows_ += entry->num_windows;
    num_tracks_ += entry->num_tracks;
  }
  if (num_windows_ == 0) {
    fail("shard_set", "{}: no windows in split \"{}\" ({} shards)",
         (directory / kManifestName).string(), split, entries.size());
  }
}

std::pair<size_t, int64_t> ShardSet::find(int64_t window) const {
  if (window < 0 || window >= num_windows_) {
    fail("shard_set", "{}: window {} is outside [0, {})", directory_.string(), window,
         num_windows_);
  }
  const auto after = std::ranges::upper_bound(first_window_, window);
  const auto reader = static_cast<size_t>(after - first_window_.begin()) - 1;
  return {reader, window - first_window_[reader]};
}

std::pair<const ShardReader*, int64_t> ShardSet::locate(int64_t window) const {
  const auto [reader, local] = find(window);
  return {&readers_[reader], local};
}

int64_t ShardSet::key_of(int64_t window) const {
  const auto [reader, local] = locate(window);
  const ShardWindow& place = reader->windows()[static_cast<size_t>(local)];
  return window_key(reader->tracks()[static_cast<size_t>(place.track)].name, place.start_sample);
}

int64_t ShardSet::track_of(int64_t window) const {
  const auto [reader, local] = find(window);
  return first_track_[reader] + readers_[reader].windows()[static_cast<size_t>(local)].track;
}

const std::string& ShardSet::track_name(int64_t track) const {
  if (track < 0 || track >= num_tracks_) {
    fail("shard_set", "{}: track {} is outside [0, {})", directory_.string(), track, num_tracks_);
  }
  const auto after = std::ranges::upper_bound(first_track_, track);
  const auto reader = static_cast<size_t>(after - first_track_.begin()) - 1;
  return readers_[reader].tracks()[static_cast<size_t>(track - first_track_[reader])].name;
}

}  // namespace cocola
