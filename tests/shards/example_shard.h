// A small shard set with values that can be told apart: two tracks, three windows, two pairs each.
#pragma once
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "shards/shard_set.h"
#include "shards/shard_writer.h"

namespace cocola::testing {

struct ExampleShard {
  ShardSettings settings{.sample_rate_hz = 1000,
                         .window_samples = 100,
                         .pairs_per_window = 2,
                         .has_stems = true,
                         .channels = 2,
                         .mel_bins = 3,
                         .frames = 5,
                         .feature_kind = "hps",
                         .feature_fingerprint = "0123456789abcdef",
                         .feature_description = "hps-v1 of the tests",
                         .submix_seed = 0xfedcba9876543210u};
  std::string split = "train";
  std::vector<ShardTrack> tracks{
      {.name = "one", .stem_names = {"bass", "drums"}, .num_samples = 150, .gain = 0.5f},
      {.name = "zw\xc3\xb6lf", .stem_names = {"a", "b", "c"}, .num_samples = 220, .gain = 0.25f}};
  std::vector<ShardWindow> windows{{.track = 0, .start_sample = 50, .audible = {1, 1}},
                                   {.track = 1, .start_sample = 0, .audible = {1, 0, 1}},
                                   {.track = 1, .start_sample = 120, .audible = {1, 1, 1}}};
  std::string provenance = R"({"made by": "a test"})";

  static int16_t sample(int64_t track, int64_t stem, int64_t at) {
    return static_cast<int16_t>(10000 * track + 1000 * stem + at - 15000);
  }
  // view 0: anchor; 1: positive. Multiples of the encoding's step, so that no rounding is lost.
  float level(int64_t window, int64_t pair, int64_t view, int64_t at) const {
    const int64_t q = 997 * window + 401 * pair + 211 * view + 7 * at;
    return static_cast<float>(-80.0 + 80.0 / 65535.0 * static_cast<double>(q));
  }
  std::vector<float> view(int64_t window, int64_t pair, int64_t which) const {
    std::vector<float> values;
    for (int64_t i = 0; i < settings.view_values(); ++i) {
      values.push_back(level(window, pair, which, i));
    }
    return values;
  }
  std::vector<int16_t> stem(int64_t track, int64_t which) const {
    std::vector<int16_t> samples;
    for (int64_t i = 0; i < tracks[static_cast<size_t>(track)].num_samples; ++i) {
      samples.push_back(sample(track, which, i));
    }
    return samples;
  }

  void write_stems(ShardWriter& writer) const {
    for (size_t t = 0; t < tracks.size(); ++t) {
      for (size_t s = 0; s < tracks[t].stem_names.size(); ++s) {
        const auto track = static_cast<int64_t>(t), which = static_cast<int64_t>(s);
        writer.write_stem(track, which, stem(track, which));
      }
    }
  }
  void write_features(ShardWriter& writer) const {
    for (int64_t w = 0; w < static_cast<int64_t>(windows.size()); ++w) {
      for (int64_t p = 0; p < settings.pairs_per_window; ++p) {
        writer.write_features(w, p, view(w, p, 0), view(w, p, 1));
      }
    }
  }
  ManifestEntry write(const std::filesystem::path& path) const {
    ShardWriter writer(path, settings, split, tracks, windows, provenance);
    if (settings.has_stems) write_stems(writer);
    write_features(writer);
    const std::string digest = writer.finish();
    return {.file = path.filename().string(),
            .split = split,
            .digest = digest,
            .num_bytes = static_cast<int64_t>(std::filesystem::file_size(path)),
            .num_tracks = static_cast<int64_t>(tracks.size()),
            .num_windows = static_cast<int64_t>(windows.size())};
  }
};

// Replaces the whole file without ceremony.
inline void overwrite(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// Flips bits of one byte in place; a second call repairs it.
inline void flip(const std::filesystem::path& path, size_t at, char bits = 1) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(at));
  const auto flipped = static_cast<char>(file.get() ^ bits);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(flipped);
}

inline std::string content_of(const std::filesystem::path& path) {
  return read_file(path, uint64_t{1} << 30);
}

// The message of the Error that `action` throws; empty when it throws none.
template <typename Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace cocola::testing
