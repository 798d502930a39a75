#include "preprocess/shard_plan.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/json.h"
#include "features/feature_settings.h"

namespace cocola {
namespace {

// Names and sizes of the sources and the settings that decide the shard's bytes.
std::string provenance_of(const RunConfig& config, const std::vector<TrackFiles>& tracks) {
  OrderedJson sources = OrderedJson::array();
  for (const TrackFiles& track : tracks) {
    OrderedJson stems = OrderedJson::object();
    for (const StemFiles& stem : track.stems) {
      for (const auto& file : stem.files) {
        stems[file.filename().string()] = std::filesystem::file_size(file);
      }
    }
    sources.push_back({{"track", track.name}, {"stems", std::move(stems)}});
  }
  const WindowConfig& window = config.data.window;
  return OrderedJson{{"window_seconds", window.window_seconds},
                     {"max_overlap", window.max_overlap},
                     {"audible_dbfs", window.audible_dbfs},
                     {"sources", std::move(sources)}}
      .dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace

ShardSettings shard_settings(const RunConfig& config) {
  ShardSettings settings;
  settings.sample_rate_hz = config.data.sample_rate_hz;
  settings.window_samples = config.window_samples();
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

std::vector<PlannedShard> plan_shards(const RunConfig& config,
                                      const std::vector<TrackFiles>& tracks) {
  std::vector<PlannedShard> plan;
  for (const char* split : {"train", "valid", "test"}) {
    int64_t num_shards = 0;
    bool open = false;
    for (const TrackFiles& track : tracks) {
      if (track.split != split) continue;
      if (!open) {
        plan.push_back({fmt::format("{}-{:05}.h5", split, num_shards++), split, {}, ""});
        open = true;
      }
      plan.back().tracks.push_back(track);
      open = static_cast<int64_t>(plan.back().tracks.size()) < config.data.tracks_per_shard;
    }
  }
  for (PlannedShard& shard : plan) shard.provenance = provenance_of(config, shard.tracks);
  return plan;
}

}  // namespace cocola
