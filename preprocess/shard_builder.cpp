#include "preprocess/shard_builder.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "batches/pair_source.h"
#include "shards/shard_writer.h"
#include "stems/submix.h"
#include "stems/window.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// Pairs made between two writes: bounds memory and keeps the writer's order.
constexpr int64_t kPairsPerBlock = 64;

// Calls work(thread, item) for items 0 .. count-1 on several threads; rethrows the first error.
void for_each_parallel(int64_t count, int64_t num_threads,
                       const std::function<void(int64_t, int64_t)>& work) {
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  {
    std::vector<std::jthread> threads;
    for (int64_t thread = 0; thread < std::min(num_threads, count); ++thread) {
      threads.emplace_back([&, thread] {
        try {
          for (int64_t item = next++; item < count; item = next++) work(thread, item);
        } catch (...) {
          next = count;
          const std::lock_guard lock(mutex);
          if (!failure) failure = std::current_exception();
        }
      });
    }
  }
  if (failure) std::rethrow_exception(failure);
}

// The decoded tracks of one shard and their windows, in the order in which they are stored.
struct Content {
  std::vector<std::optional<Track>> tracks;
  std::vector<ShardWindow> windows;
};

std::optional<Content> decode(const fs::path& directory, const PlannedShard& planned,
                              const RunConfig& config, int64_t num_threads,
                              const TrackProgress& progress) {
  const auto count = static_cast<int64_t>(planned.tracks.size());
  Content content;
  content.tracks.resize(planned.tracks.size());
  std::vector<std::vector<Window>> windows(planned.tracks.size());
  std::mutex mutex;
  std::atomic<bool> stopped{false};
  for_each_parallel(count, num_threads, [&](int64_t, int64_t item) {
    if (stopped) return;
    const auto i = static_cast<size_t>(item);
    content.tracks[i].emplace(planned.tracks[i], config.data.sample_rate_hz, directory);
    windows[i] = lay_out_windows(*content.tracks[i], config.data.window);
    const std::lock_guard lock(mutex);
    if (!progress(1)) stopped = true;
  });
  if (stopped) return std::nullopt;
  for (size_t i = 0; i < windows.size(); ++i) {
    if (windows[i].empty()) {
      log_warning(
          "{}: no window of {} s with two audible stems; the track is stored without windows",
          planned.tracks[i].name, config.data.window.window_seconds);
    }
    for (Window& window : windows[i]) {
      content.windows.push_back(
          {static_cast<int64_t>(i), window.start_sample, std::move(window.audible)});
    }
  }
  return content;
}

// Sums one sub-mix of a window and extracts its features.
void make_view(SubmixFeatures& maker, const Track& track, const ShardWindow& window,
               int64_t window_samples, const std::vector<int>& stems, std::span<float> out) {
  std::vector<int16_t> samples(static_cast<size_t>(window_samples));
  maker.begin(window_samples);
  for (const int stem : stems) {
    track.read(stem, window.start_sample, samples);
    maker.add(samples, track.gain());
  }
  maker.extract(out);
}

void write_all_features(ShardWriter& writer, const Content& content, const RunConfig& config,
                        const ShardSettings& settings, int64_t num_threads) {
  std::vector<SubmixFeatures> makers;
  for (int64_t i = 0; i < num_threads; ++i) makers.emplace_back(config.features);
  const auto view = static_cast<size_t>(settings.view_values());
  std::vector<float> block(static_cast<size_t>(2 * kPairsPerBlock) * view);
  const auto view_at = [&](int64_t row, int64_t which) {
    return std::span(block).subspan(static_cast<size_t>(2 * row + which) * view, view);
  };
  const int64_t num_pairs =
      static_cast<int64_t>(content.windows.size()) * settings.pairs_per_window;
  for (int64_t first = 0; first < num_pairs; first += kPairsPerBlock) {
    const int64_t count = std::min(kPairsPerBlock, num_pairs - first);
    for_each_parallel(count, num_threads, [&](int64_t thread, int64_t row) {
      const ShardWindow& window =
          content.windows[static_cast<size_t>((first + row) / settings.pairs_per_window)];
      const Track& track = *content.tracks[static_cast<size_t>(window.track)];
      const SubmixChoice choice = choose_submixes(window.audible, settings.submix_seed,
                                                  (first + row) % settings.pairs_per_window,
                                                  window_key(track.name(), window.start_sample));
      SubmixFeatures& maker = makers[static_cast<size_t>(thread)];
      make_view(maker, track, window, settings.window_samples, choice.anchor, view_at(row, 0));
      make_view(maker, track, window, settings.window_samples, choice.positive, view_at(row, 1));
    });
    for (int64_t row = 0; row < count; ++row) {
      writer.write_features((first + row) / settings.pairs_per_window,
                            (first + row) % settings.pairs_per_window, view_at(row, 0),
                            view_at(row, 1));
    }
  }
}

ManifestEntry entry_of(const fs::path& path, const PlannedShard& planned, int64_t num_windows,
                       const std::string& digest) {
  ManifestEntry entry;
  entry.file = planned.file;
  entry.split = planned.split;
  entry.digest = digest;
  entry.num_bytes = static_cast<int64_t>(fs::file_size(path));
  entry.num_tracks = static_cast<int64_t>(planned.tracks.size());
  entry.num_windows = num_windows;
  return entry;
}

}  // namespace

std::optional<ManifestEntry> existing_shard(const fs::path& directory, const PlannedShard& planned,
                                            const ShardSettings& settings) {
  const fs::path path = directory / planned.file;
  if (!fs::exists(path)) return std::nullopt;
  const ShardReader reader(path);
  if (reader.settings() != settings || reader.provenance() != planned.provenance) {
    fail("preprocess",
         "{}: made with other settings or from other files than this configuration names; "
         "remove {} or choose another data.shards",
         path.string(), directory.string());
  }
  return entry_of(path, planned, static_cast<int64_t>(reader.windows().size()),
                  digest_of_file(path));
}

std::optional<ManifestEntry> build_shard(const fs::path& directory, const PlannedShard& planned,
                                         const RunConfig& config, const ShardSettings& settings,
                                         int64_t num_threads, const TrackProgress& progress) {
  const std::optional<Content> content = decode(directory, planned, config, num_threads, progress);
  if (!content) return std::nullopt;
  std::vector<ShardTrack> tracks;
  for (const auto& track : content->tracks) {
    tracks.push_back({track->name(), track->stem_names(), 0, track->num_samples(), track->gain()});
  }
  const fs::path path = directory / planned.file;
  ShardWriter writer(path, settings, planned.split, std::move(tracks), content->windows,
                     planned.provenance);
  if (settings.has_stems) {
    for (size_t t = 0; t < content->tracks.size(); ++t) {
      const Track& track = *content->tracks[t];
      std::vector<int16_t> samples(static_cast<size_t>(track.num_samples()));
      for (int64_t s = 0; s < track.num_stems(); ++s) {
        track.read(s, 0, samples);
        writer.write_stem(static_cast<int64_t>(t), s, samples);
      }
    }
  }
  if (settings.pairs_per_window > 0)
    write_all_features(writer, *content, config, settings, num_threads);
  const std::string digest = writer.finish();
  return entry_of(path, planned, static_cast<int64_t>(content->windows.size()), digest);
}

}  // namespace cocola
