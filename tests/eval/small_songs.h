// Shards of small songs: stems of notes, each song with a scale of its own.
#pragma once
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "shards/shard_set.h"
#include "shards/shard_writer.h"

namespace cocola::testing {

inline constexpr int64_t kSongWindowSamples = 8000, kWindowsPerSong = 3;

inline std::vector<int16_t> song_stem(size_t song, int64_t stem) {
  std::vector<int16_t> samples;
  const double step =
      0.05 * std::exp2(static_cast<double>(5 * song + 7 * static_cast<size_t>(stem)) / 12.0);
  for (int64_t i = 0; i < kWindowsPerSong * kSongWindowSamples; ++i) {
    const double decay = std::exp(-static_cast<double>(i % (1000 + 100 * stem)) / 400.0);
    samples.push_back(
        static_cast<int16_t>(8000.0 * decay * std::sin(step * static_cast<double>(i))));
  }
  return samples;
}

// One shard of a split and its manifest. Songs whose name starts with "silent" have no windows.
inline void write_songs(const std::filesystem::path& directory,
                        const std::vector<std::string>& songs, const std::string& split = "test") {
  ShardSettings settings;
  settings.window_samples = kSongWindowSamples;
  std::vector<ShardTrack> tracks;
  std::vector<ShardWindow> windows;
  for (size_t t = 0; t < songs.size(); ++t) {
    tracks.push_back({.name = songs[t],
                      .stem_names = {"high", "low"},
                      .num_samples = kWindowsPerSong * kSongWindowSamples,
                      .gain = 1.0f / 32767.0f});
    if (songs[t].starts_with("silent")) continue;
    for (int64_t w = 0; w < kWindowsPerSong; ++w) {
      windows.push_back({.track = static_cast<int64_t>(t),
                         .start_sample = w * kSongWindowSamples,
                         .audible = {1, 1}});
    }
  }
  const std::filesystem::path path = directory / (split + ".h5");
  ShardWriter writer(path, settings, split, tracks, windows, "{}");
  for (size_t t = 0; t < songs.size(); ++t) {
    for (int64_t s = 0; s < 2; ++s) {
      writer.write_stem(static_cast<int64_t>(t), s, song_stem(t, s));
    }
  }
  const std::string digest = writer.finish();
  write_manifest(directory,
                 {.settings = settings,
                  .config_yaml = "",
                  .version = "test",
                  .shards = {{.file = path.filename().string(),
                              .split = split,
                              .digest = digest,
                              .num_bytes = static_cast<int64_t>(std::filesystem::file_size(path)),
                              .num_tracks = static_cast<int64_t>(tracks.size()),
                              .num_windows = static_cast<int64_t>(windows.size())}}});
}

}  // namespace cocola::testing
