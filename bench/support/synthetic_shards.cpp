#include "support/synthetic_shards.h"

#include <fmt/format.h>

#include <cmath>

#include "base/philox.h"
#include "batches/pair_source.h"
#include "features/feature_settings.h"
#include "shards/shard_writer.h"
#include "stems/submix.h"

namespace cocola::bench {
namespace {

constexpr float kGain = 1.0f / 32767.0f;
using Stems = std::vector<std::vector<int16_t>>;

std::vector<int16_t> play_stem(int64_t stem, int64_t num_samples) {
  constexpr int64_t kNoteSamples = 4000;
  PhiloxStream random(1, DrawPurpose::bootstrap, 0, static_cast<uint64_t>(stem), 0);
  std::vector<int16_t> samples;
  double step = 0.0;
  for (int64_t i = 0; i < num_samples; ++i) {
    const int64_t at = i % kNoteSamples;
    if (at == 0) step = 0.03 * std::exp2(static_cast<double>(random.next_below(36)) / 12.0);
    const double decay = std::exp(-static_cast<double>(at) / 1500.0);
    const double note = std::sin(step * static_cast<double>(at)) +
                        0.5 * std::sin(2.0 * step * static_cast<double>(at));
    const double hiss = 0.01 * static_cast<double>(random.next_normal());
    samples.push_back(static_cast<int16_t>(4000.0 * (decay * note + hiss)));
  }
  return samples;
}

ShardSettings settings_of(const SyntheticShards& shards, const FeatureConfig& features) {
  ShardSettings settings;
  settings.sample_rate_hz = features.sample_rate_hz;
  settings.window_samples = shards.window_samples;
  if (!shards.store_features) return settings;
  const FeatureShape shape = features.shape(shards.window_samples);
  settings.pairs_per_window = 1;
  settings.channels = shape.channels;
  settings.mel_bins = shape.mel_bins;
  settings.frames = shape.frames;
  settings.feature_kind = to_string(features.kind);
  settings.feature_fingerprint = features.fingerprint();
  settings.feature_description = features.description();
  settings.submix_seed = 1;
  return settings;
}

// What all shards hold; names aside, all tracks are the same.
struct Music {
  Stems stems;
  ShardTrack track;
  std::vector<ShardWindow> windows;  // of one shard
};

Music compose(const SyntheticShards& shards) {
  Music music;
  ShardTrack& track = music.track;
  track.num_samples = shards.window_samples + (shards.windows_per_track - 1) * shards.hop_samples;
  track.gain = kGain;
  for (int64_t s = 0; s < shards.num_stems; ++s) {
    track.stem_names.push_back(fmt::format("stem{}", s));
    music.stems.push_back(play_stem(s, track.num_samples));
  }
  const std::vector<uint8_t> audible(music.stems.size(), 1);
  for (int64_t t = 0; t < shards.tracks_per_shard; ++t) {
    for (int64_t w = 0; w < shards.windows_per_track; ++w) {
      music.windows.push_back(
          {.track = t, .start_sample = w * shards.hop_samples, .audible = audible});
    }
  }
  return music;
}

void write_features(ShardWriter& writer, const std::vector<ShardTrack>& tracks, const Music& music,
                    const ShardSettings& settings, const FeatureConfig& features) {
  SubmixFeatures maker(features);
  std::vector<float> views[2];
  for (size_t w = 0; w < music.windows.size(); ++w) {
    const ShardWindow& window = music.windows[w];
    const std::string& track = tracks[static_cast<size_t>(window.track)].name;
    const SubmixChoice choice = choose_submixes(window.audible, settings.submix_seed, 0,
                                                window_key(track, window.start_sample));
    for (int which = 0; which < 2; ++which) {
      maker.begin(settings.window_samples);
      for (const int stem : which == 0 ? choice.anchor : choice.positive) {
        maker.add(std::span(music.stems[static_cast<size_t>(stem)])
                      .subspan(static_cast<size_t>(window.start_sample),
                               static_cast<size_t>(settings.window_samples)),
                  kGain);
      }
      views[which].resize(static_cast<size_t>(settings.view_values()));
      maker.extract(views[which]);
    }
    writer.write_features(static_cast<int64_t>(w), 0, views[0], views[1]);
  }
}

ManifestEntry write_shard(const std::filesystem::path& folder, int64_t shard, const Music& music,
                          int64_t num_tracks, const ShardSettings& settings,
                          const FeatureConfig& features) {
  std::vector<ShardTrack> tracks(static_cast<size_t>(num_tracks), music.track);
  for (size_t t = 0; t < tracks.size(); ++t) tracks[t].name = fmt::format("{}-{}", shard, t);
  ManifestEntry entry;
  entry.file = fmt::format("train-{:05}.h5", shard);
  entry.split = "train";
  entry.num_tracks = num_tracks;
  entry.num_windows = static_cast<int64_t>(music.windows.size());
  ShardWriter writer(folder / entry.file, settings, entry.split, tracks, music.windows, "{}");
  for (int64_t t = 0; t < num_tracks; ++t) {
    for (size_t s = 0; s < music.stems.size(); ++s) {
      writer.write_stem(t, static_cast<int64_t>(s), music.stems[s]);
    }
  }
  if (settings.pairs_per_window > 0) write_features(writer, tracks, music, settings, features);
  entry.digest = writer.finish();
  entry.num_bytes = static_cast<int64_t>(std::filesystem::file_size(folder / entry.file));
  return entry;
}

}  // namespace

Manifest write_synthetic_shards(const std::filesystem::path& folder, const SyntheticShards& shards,
                                const FeatureConfig& features) {
  const Music music = compose(shards);
  Manifest manifest;
  manifest.settings = settings_of(shards, features);
  manifest.version = "bench";
  for (int64_t shard = 0; shard < shards.num_shards; ++shard) {
    manifest.shards.push_back(
        write_shard(folder, shard, music, shards.tracks_per_shard, manifest.settings, features));
  }
  write_manifest(folder, manifest);
  return manifest;
}

}  // namespace cocola::bench
