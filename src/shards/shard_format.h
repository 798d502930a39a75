// Names and numbers of the shard format. The prose, with a worked example, is FORMAT.md beside this
// file.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace cocola {

inline constexpr const char* kShardMagic = "cocola-shard";
inline constexpr int64_t kShardFormatVersion = 1;

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
  // Precomputed pairs per window; 0 when only stems are stored.
  int64_t pairs_per_window = 0;
  bool has_stems = true;
  int64_t channels = 0, mel_bins = 0, frames = 0;  // 0 when no features are stored
  std::string feature_kind;                        // "hps" or "mel"
  std::string feature_fingerprint;
  std::string feature_description;
  uint64_t submix_seed = 0;
  bool operator==(const ShardSettings&) const = default;
};

struct ShardTrack {
  std::string name;
  std::vector<std::string> stem_names;
  int64_t first_value = 0;  // index into /stems/audio of the track's stem 0; stem s starts at
                            // first_value + s * num_samples
  int64_t num_samples = 0;  // per stem
  float gain = 0.0f;        // sample = value * gain
};

struct ShardWindow {
  int64_t track = 0;             // index into the shard's tracks
  int64_t start_sample = 0;      // at sample_rate_hz
  std::vector<uint8_t> audible;  // [stems of the track]
};

}  // namespace cocola
