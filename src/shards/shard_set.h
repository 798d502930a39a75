// All shards of one data set: manifest.json and the windows of a split under one numbering.
#pragma once
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "shards/shard_format.h"
#include "shards/shard_reader.h"

namespace cocola {

struct ManifestEntry {
  std::string file;  // relative to the manifest, a plain name
  std::string split;
  std::string digest;  // of the whole file
  int64_t num_bytes = 0, num_tracks = 0, num_windows = 0;
  bool operator==(const ManifestEntry&) const = default;
};

// A track that was left out, as "on_bad_track: skip" allows, and why.
struct SkippedTrack {
  std::string track, split, reason;
  bool operator==(const SkippedTrack&) const = default;
};

struct Manifest {
  ShardSettings settings;
  std::string config_yaml;  // the resolved configuration that made the shards
  std::string version;      // of the program that wrote it
  std::vector<ManifestEntry> shards;
  std::vector<SkippedTrack> skipped = {};
  bool operator==(const Manifest&) const = default;
};

inline constexpr const char* kManifestName = "manifest.json";

// Writes <directory>/manifest.json atomically, with a digest of its own text.
void write_manifest(const std::filesystem::path& directory, const Manifest& manifest);
// Throws: Error when missing, damaged (its own digest), of another version, or naming a file
// outside directory.
Manifest read_manifest(const std::filesystem::path& directory);

// Recomputes the digests of the shards of these splits. num_parts processes can share the work: the
// shards are dealt to them so that each reads about as many bytes. HDF5 does not see the files.
// Throws: Error naming the file, expected and found digest.
void verify_shards(const std::filesystem::path& directory, const Manifest& manifest,
                   const std::set<std::string>& splits, int64_t part, int64_t num_parts);

// The windows of one split, numbered 0 .. num_windows() - 1 in manifest order. All reads are
// thread-safe.
class ShardSet {
 public:
  // Opens every shard of the split and compares settings, counts and length with the manifest. With
  // verify, every file's digest is recomputed first: a flipped byte anywhere is found here, before
  // the first step. Throws: Error when a shard is missing, damaged, of other settings, or the split
  // has no windows.
  ShardSet(const std::filesystem::path& directory, const std::string& split, bool verify);

  const ShardSettings& settings() const { return manifest_.settings; }
  const Manifest& manifest() const { return manifest_; }
  int64_t num_windows() const { return num_windows_; }
  int64_t num_tracks() const { return num_tracks_; }

  // Shard and its local window index. window in [0, num_windows()).
  std::pair<const ShardReader*, int64_t> locate(int64_t window) const;
  // The window's number in sub-mix draws; see window_key().
  int64_t key_of(int64_t window) const;
  // Index of the window's track over the whole split, in [0, num_tracks()).
  int64_t track_of(int64_t window) const;
  // Name of a track by that index.
  const std::string& track_name(int64_t track) const;

 private:
  // Reader of the window, and the window's index there.
  std::pair<size_t, int64_t> find(int64_t window) const;

  std::filesystem::path directory_;
  Manifest manifest_;
  std::vector<ShardReader> readers_;
  std::vector<int64_t> first_window_, first_track_;  // per reader
  int64_t num_windows_ = 0, num_tracks_ = 0;
};

}  // namespace cocola
