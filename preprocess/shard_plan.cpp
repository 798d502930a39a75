#include "preprocess/shard_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <system_error>

#include "base/digest.h"
#include "base/error.h"
#include "features/feature_settings.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

SourceFile look_at(const TrackFiles& track, const StemFiles& stem, const fs::path& path) {
  std::error_code error;
  SourceFile source{.track = track.name, .stem = stem.name, .path = path, .digest = ""};
  source.num_bytes = static_cast<int64_t>(fs::file_size(path, error));
  if (!error) {
    const auto modified = fs::last_write_time(path, error).time_since_epoch();
    source.modified_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(modified).count();
  }
  if (error) fail("preprocess", "{}: {}", path.string(), error.message());
  return source;
}

std::string difference_of(const SourceFile& planned, const SourceFile& made_from) {
  const std::string file = planned.path.filename().string();
  if (planned.track != made_from.track || planned.stem != made_from.stem ||
      file != made_from.path.filename().string()) {
    return fmt::format("it holds {}/{} where {} is found now", made_from.track,
                       made_from.path.filename().string(), planned.path.string());
  }
  const bool changed = planned.num_bytes != made_from.num_bytes ||
                       (planned.modified_ns != made_from.modified_ns &&
                        digest_of_file(planned.path) != made_from.digest);
  return changed ? fmt::format("{} has changed since", planned.path.string()) : "";
}

}  // namespace

ShardSettings shard_settings(const RunConfig& config) {
  ShardSettings settings;
  settings.sample_rate_hz = config.data.sample_rate_hz;
  settings.window_samples = config.window_samples();
  settings.window_grid = to_string(config.data.window.grid);
  settings.has_stems = config.data.store_stems;
  if (config.data.store_features) {
    const FeatureShape shape = config.features.shape(config.window_samples());
    settings.pairs_per_window = config.data.pairs_per_window;
    settings.channels = shape.channels;
    settings.mel_bins = shape.mel_bins;
    settings.frames = shape.frames;
    settings.feature_kind = to_string(config.features.kind);
    settings.feature_fingerprint = config.features.fingerprint();
    settings.feature_description = config.features.description();
    settings.submix_seed = config.data.seed;
  }
  return settings;
}

Json deciding_settings(const RunConfig& config) {
  const WindowConfig& window = config.data.window;
  Json lengths = Json::array();
  for (const DatasetConfig& dataset : config.data.datasets) {
    lengths.push_back(static_cast<int>(dataset.lengths));
  }
  return {{"lengths", std::move(lengths)},
          {"shard", settings_to_json(shard_settings(config))},
          {"tracks_per_shard", config.data.tracks_per_shard},
          {"window_seconds", window.window_seconds},
          {"max_overlap", window.max_overlap},
          {"audible_dbfs", window.audible_dbfs}};
}

std::string first_difference(const PlannedShard& planned, const Json& settings,
                             const ShardReceipt& receipt) {
  const Json changes = Json::diff(receipt.settings, settings);
  if (!changes.empty()) {
    const Json::json_pointer key(changes[0]["path"].get<std::string>());
    const std::string made =
        receipt.settings.contains(key)
            ? fmt::format("with {} {}", key.back(), receipt.settings.at(key).dump())
            : fmt::format("without {}", key.back());
    return fmt::format("it was made {}, the configuration says {}", made,
                       settings.contains(key) ? settings.at(key).dump() : "nothing");
  }
  const std::vector<SourceFile> sources = sources_of(planned);
  for (size_t i = 0; i < std::min(sources.size(), receipt.sources.size()); ++i) {
    const std::string difference = difference_of(sources[i], receipt.sources[i]);
    if (!difference.empty()) return difference;
  }
  if (sources.size() != receipt.sources.size()) {
    return fmt::format("it was made from {} files, {} are found now", receipt.sources.size(),
                       sources.size());
  }
  return "";
}

std::vector<PlannedShard> plan_shards(const RunConfig& config, std::vector<TrackFiles> tracks) {
  std::map<std::string, std::vector<PlannedShard>> of_split;
  for (TrackFiles& track : tracks) {
    std::vector<PlannedShard>& shards = of_split[track.split];
    if (shards.empty() || std::ssize(shards.back().tracks) == config.data.tracks_per_shard) {
      shards.push_back({fmt::format("{}-{:05}.h5", track.split, shards.size()), track.split, {}});
    }
    shards.back().tracks.push_back(std::move(track));
  }
  std::vector<PlannedShard> plan;
  for (const char* split : {"train", "valid", "test"}) {
    std::ranges::move(of_split[split], std::back_inserter(plan));
  }
  return plan;
}

std::vector<SourceFile> sources_of(const PlannedShard& planned) {
  std::vector<SourceFile> sources;
  for (const TrackFiles& track : planned.tracks) {
    for (const StemFiles& stem : track.stems) {
      for (const fs::path& file : stem.files) sources.push_back(look_at(track, stem, file));
    }
  }
  return sources;
}

}  // namespace cocola
