// Names and numbers of the shard format. The prose, with a worked example, is FORMAT.md beside this
// file.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace cocola {

inline constexpr const char* kShardMagic = "cocola-shard";
inline constexpr int64_t kShardFormatVersion = 1;

// Datasets; the first two are large, the others are tables read when a shard is opened.
inline constexpr const char* kAudioDataset = "/stems/audio";
inline constexpr const char* kFeaturesDataset = "/features/values";
inline constexpr std::array<const char*, 9> kTableDatasets = {
    "/tracks/name",        "/tracks/num_stems",     "/tracks/stem_names",
    "/tracks/first_value", "/tracks/num_samples",   "/tracks/gain",
    "/windows/track",      "/windows/start_sample", "/windows/audible"};
// Attribute of every dataset.
inline constexpr const char* kDigestAttribute = "digest";

// The grid of windows that settings without one were laid out on.
inline constexpr const char* kHopGrid = "hop";

// Features are stored as uint16 q with dB = offset_db + scale_db * q. hps: [-80, 0]; mel: [-100,
// 100].
struct FeatureEncoding {
  double scale_db = 0.0;
  double offset_db = 0.0;
};
FeatureEncoding encoding_for(const std::string& feature_kind);  // "hps" or "mel"

// What is equal for all shards of a set.
struct ShardSettings {
  int64_t sample_rate_hz = 16000;
  int64_t window_samples = 80000;
  // How the windows were laid out: "hop" or "original".
  std::string window_grid = kHopGrid;
  // Precomputed pairs per window; 0 when only stems are stored.
  int64_t pairs_per_window = 0;
  bool has_stems = true;
  int64_t channels = 0, mel_bins = 0, frames = 0;  // 0 when no features are stored
  std::string feature_kind;                        // "hps" or "mel"
  std::string feature_fingerprint;
  std::string feature_description;
  uint64_t submix_seed = 0;
  bool operator==(const ShardSettings&) const = default;

  // Values of one view of a pair: [channels, mel_bins, frames].
  int64_t view_values() const { return channels * mel_bins * frames; }
  // Throws: Error naming `origin`, the setting and its range.
  void validate(const std::string& origin) const;
};

// The JSON object that shards and the manifest carry. Throws: Error naming `origin` and the key.
Json settings_to_json(const ShardSettings& settings);
ShardSettings settings_from_json(const Json& json, const std::string& origin);

struct ShardTrack {
  std::string name;
  std::vector<std::string> stem_names;
  int64_t first_value = 0;  // index into /stems/audio of the track's stem 0; stem s starts at
                            // first_value + s * num_samples. Chosen by the writer.
  int64_t num_samples = 0;  // per stem
  float gain = 0.0f;        // sample = value * gain
};

struct ShardWindow {
  int64_t track = 0;             // index into the shard's tracks
  int64_t start_sample = 0;      // at sample_rate_hz
  std::vector<uint8_t> audible;  // [stems of the track], 0 or 1, at least two of them 1
};

// Throws: Error naming `origin`, the track or window and the broken rule of FORMAT.md. num_values:
// length of /stems/audio.
void check_tables(const ShardSettings& settings, const std::vector<ShardTrack>& tracks,
                  const std::vector<ShardWindow>& windows, int64_t num_values,
                  const std::string& origin);

// The number by which sub-mix draws know a window, in [0, 2^32): a hash of what the window is, not
// of where it is stored. So precomputed and fresh sub-mixes agree whichever shard holds the window
// and in whatever order shards were written. Two windows may share a number; they then only share
// their luck.
int64_t window_key(const std::string& track_name, int64_t start_sample);

}  // namespace cocola
