#include "preprocess/shard_builder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
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
constexpr int64_t kStemBlock = 1 << 18;
// A peak this far above full scale is worth a warning: 16 bits become 12.
constexpr double kLoudDb = 24.0;

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

// What decoding found out about a planned track.
struct Decoded {
  std::optional<Track> track;  // nothing for a bad one
  std::string reason;          // why it is bad
  std::vector<Window> windows;
};

// The good tracks of one shard and their windows, in the order in which they are stored.
struct Content {
  std::vector<Track> tracks;
  std::vector<ShardWindow> windows;
  std::vector<SkippedTrack> skipped;
};

Decoded decode(const TrackFiles& files, const RunConfig& config, const fs::path& scratch) {
  Decoded decoded;
  try {
    decoded.track.emplace(files, config.data.sample_rate_hz, scratch);
    decoded.windows = lay_out_windows(*decoded.track, config.data.window);
    if (!decoded.windows.empty()) {
      decoded.track->extend_to(decoded.windows.back().start_sample + config.window_samples());
    }
  } catch (const BadTrackError& error) {
    decoded.reason = error.message();
  }
  return decoded;
}

// Decodes the tracks and reads the digests of their files. Nothing when progress asked to stop.
std::optional<std::vector<Decoded>> decode_all(const PlannedShard& planned,
                                               std::vector<SourceFile>& sources,
                                               const RunConfig& config, const fs::path& scratch,
                                               int64_t num_threads, const TrackProgress& progress) {
  std::vector<Decoded> all(planned.tracks.size());
  std::mutex mutex;
  bool stopped = false;
  const auto tick = [&](int64_t finished) {
    const std::lock_guard lock(mutex);
    if (!stopped && !progress(finished)) stopped = true;
    return !stopped;
  };
  for_each_parallel(std::ssize(sources), num_threads, [&](int64_t, int64_t i) {
    SourceFile& source = sources[static_cast<size_t>(i)];
    if (tick(0)) source.digest = digest_of_file(source.path);
  });
  for_each_parallel(std::ssize(all), num_threads, [&](int64_t, int64_t i) {
    const auto item = static_cast<size_t>(i);
    if (!tick(0)) return;
    all[item] = decode(planned.tracks[item], config, scratch);
    tick(1);
  });
  if (stopped) return std::nullopt;
  return all;
}

void warn_about(const Track& track, const std::vector<Window>& windows, const RunConfig& config) {
  if (windows.empty()) {
    log_warning("{}: no window of {} s with two audible stems; the track is stored without windows",
                track.name(), config.data.window.window_seconds);
  }
  const double peak_db = 20.0 * std::log10(static_cast<double>(track.gain()) * 32767.0);
  if (peak_db > kLoudDb) {
    log_warning(
        "{}: a stem peaks {:.0f} dB above full scale; quiet stems of the track lose as "
        "much of their resolution",
        track.name(), peak_db);
  }
}

// Moves what is good into the shard's content and lists what is not.
Content sort_out(const PlannedShard& planned, std::vector<Decoded> all, const RunConfig& config) {
  Content content;
  for (size_t i = 0; i < all.size(); ++i) {
    Decoded& decoded = all[i];
    if (!decoded.track) {
      content.skipped.push_back({planned.tracks[i].name, planned.split, decoded.reason});
      continue;
    }
    warn_about(*decoded.track, decoded.windows, config);
    for (Window& window : decoded.windows) {
      content.windows.push_back(
          {std::ssize(content.tracks), window.start_sample, std::move(window.audible)});
    }
    content.tracks.push_back(std::move(*decoded.track));
  }
  return content;
}

void judge_bad_tracks(const std::vector<SkippedTrack>& bad, const RunConfig& config) {
  if (bad.empty()) return;
  const bool fatal = config.data.on_bad_track == OnBadTrack::fail;
  for (size_t i = fatal ? 1 : 0; i < bad.size(); ++i) log_warning("{}", bad[i].reason);
  if (fatal) {
    fail("preprocess", "{}{}; repair or remove it, or set data.on_bad_track: skip", bad[0].reason,
         bad.size() > 1 ? fmt::format(" (and {} more)", bad.size() - 1) : "");
  }
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

// False when progress asked to stop.
bool write_all_features(ShardWriter& writer, const Content& content, const RunConfig& config,
                        const ShardSettings& settings, int64_t num_threads,
                        const TrackProgress& progress) {
  std::vector<SubmixFeatures> makers;
  for (int64_t i = 0; i < num_threads; ++i) makers.emplace_back(config.features);
  const auto view = static_cast<size_t>(settings.view_values());
  std::vector<float> block(static_cast<size_t>(2 * kPairsPerBlock) * view);
  const auto view_at = [&](int64_t row, int64_t which) {
    return std::span(block).subspan(static_cast<size_t>(2 * row + which) * view, view);
  };
  const int64_t num_pairs = std::ssize(content.windows) * settings.pairs_per_window;
  for (int64_t first = 0; first < num_pairs; first += kPairsPerBlock) {
    if (!progress(0)) return false;
    const int64_t count = std::min(kPairsPerBlock, num_pairs - first);
    for_each_parallel(count, num_threads, [&](int64_t thread, int64_t row) {
      const ShardWindow& window =
          content.windows[static_cast<size_t>((first + row) / settings.pairs_per_window)];
      const Track& track = content.tracks[static_cast<size_t>(window.track)];
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
  return true;
}

// False when progress asked to stop.
bool write_all_stems(ShardWriter& writer, const Content& content, const TrackProgress& progress) {
  std::vector<int16_t> block(kStemBlock);
  for (size_t t = 0; t < content.tracks.size(); ++t) {
    const Track& track = content.tracks[t];
    for (int64_t stem = 0; stem < track.num_stems(); ++stem) {
      if (!progress(0)) return false;
      for (int64_t first = 0; first < track.num_samples(); first += kStemBlock) {
        const auto part = std::span(block).first(
            static_cast<size_t>(std::min(kStemBlock, track.num_samples() - first)));
        track.read(stem, first, part);
        writer.write_stem(static_cast<int64_t>(t), stem, part);
      }
    }
  }
  return true;
}

// The names, contents and settings a shard is made from, for whoever opens it.
std::string provenance_of(const std::vector<SourceFile>& sources, const RunConfig& config) {
  OrderedJson tracks = OrderedJson::array();
  for (const SourceFile& source : sources) {
    if (tracks.empty() || tracks.back()["track"] != source.track) {
      tracks.push_back({{"track", source.track}, {"files", OrderedJson::array()}});
    }
    tracks.back()["files"].push_back({{"stem", source.stem},
                                      {"file", source.path.filename().string()},
                                      {"bytes", source.num_bytes},
                                      {"digest", source.digest}});
  }
  const WindowConfig& window = config.data.window;
  return OrderedJson{{"window_seconds", window.window_seconds},
                     {"window_grid", to_string(window.grid)},
                     {"max_overlap", window.max_overlap},
                     {"audible_dbfs", window.audible_dbfs},
                     {"sources", std::move(tracks)}}
      .dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

// Fills in entry.digest and num_bytes. False when progress asked to stop; no file is left then.
bool write_shard(const fs::path& directory, const PlannedShard& planned, const Content& content,
                 const RunConfig& config, int64_t num_threads, const TrackProgress& progress,
                 ShardReceipt& receipt) {
  const ShardSettings settings = shard_settings(config);
  std::vector<ShardTrack> tracks;
  for (const Track& track : content.tracks) {
    tracks.push_back({track.name(), track.stem_names(), 0, track.num_samples(), track.gain()});
  }
  ShardWriter writer(directory / planned.file, settings, planned.split, std::move(tracks),
                     content.windows, provenance_of(receipt.sources, config));
  if (settings.has_stems && !write_all_stems(writer, content, progress)) return false;
  if (settings.pairs_per_window > 0 &&
      !write_all_features(writer, content, config, settings, num_threads, progress)) {
    return false;
  }
  writer.finish([&](const std::string& digest, int64_t num_bytes) {
    receipt.entry.digest = digest;
    receipt.entry.num_bytes = num_bytes;
    write_receipt(directory, receipt);
  });
  return true;
}

}  // namespace

std::optional<ShardReceipt> build_shard(const fs::path& directory, const PlannedShard& planned,
                                        const RunConfig& config, int64_t num_threads,
                                        const TrackProgress& progress) {
  ShardReceipt receipt;
  receipt.entry.file = planned.file;
  receipt.entry.split = planned.split;
  receipt.sources = sources_of(planned);
  receipt.settings = deciding_settings(config);
  auto decoded = decode_all(planned, receipt.sources, config, directory, num_threads, progress);
  if (!decoded) return std::nullopt;
  const Content content = sort_out(planned, std::move(*decoded), config);
  judge_bad_tracks(content.skipped, config);
  receipt.skipped = content.skipped;
  receipt.entry.num_tracks = std::ssize(content.tracks);
  receipt.entry.num_windows = std::ssize(content.windows);
  if (content.tracks.empty()) {
    write_receipt(directory, receipt);
  } else if (!write_shard(directory, planned, content, config, num_threads, progress, receipt)) {
    return std::nullopt;
  }
  return receipt;
}

}  // namespace cocola
