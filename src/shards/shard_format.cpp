#include "shards/shard_format.h"

#include <algorithm>
#include <cmath>

#include "base/digest.h"
#include "base/error.h"
#include "shards/json_member.h"

namespace cocola {
namespace {

// Larger claims are damage or malice, not music.
constexpr int64_t kMaxWindowSamples = int64_t{1} << 31;
constexpr int64_t kMaxPairsPerWindow = 1 << 16;
constexpr int64_t kMaxViewValues = int64_t{1} << 28;

void check_range(const char* name, int64_t value, int64_t low, int64_t high,
                 const std::string& origin) {
  if (value < low || value > high) {
    fail("shard_format", "{}: {} is {}, allowed is [{}, {}]", origin, name, value, low, high);
  }
}

constexpr const char* kGridKey = "window_grid";

// Calls visit(name, member) for every setting but the grid, so that reading and writing cannot
// drift apart.
template <typename Settings, typename Visit>
void for_each_setting(Settings& s, const Visit& visit) {
  visit("sample_rate_hz", s.sample_rate_hz);
  visit("window_samples", s.window_samples);
  visit("pairs_per_window", s.pairs_per_window);
  visit("has_stems", s.has_stems);
  visit("channels", s.channels);
  visit("mel_bins", s.mel_bins);
  visit("frames", s.frames);
  visit("feature_kind", s.feature_kind);
  visit("feature_fingerprint", s.feature_fingerprint);
  visit("feature_description", s.feature_description);
  visit("submix_seed", s.submix_seed);
}

// One entry of a table, for messages.
struct Entry {
  const std::string& origin;
  const char* kind;
  size_t index;

  template <typename... Args>
  void require(bool holds, fmt::format_string<Args...> rule, Args&&... args) const {
    if (holds) return;
    fail("shard_format", "{}: {} {}: {}", origin, kind, index,
         fmt::format(rule, std::forward<Args>(args)...));
  }
};

void check_track(const ShardTrack& track, bool has_stems, int64_t num_values, const Entry& entry) {
  const auto num_stems = static_cast<int64_t>(track.stem_names.size());
  entry.require(num_stems >= 1, "has no stems");
  entry.require(track.num_samples >= 0, "has {} samples", track.num_samples);
  entry.require(std::isfinite(track.gain) && track.gain > 0.0f, "gain is {}, must be above 0",
                track.gain);
  if (!has_stems) return;
  const int64_t room = num_values - track.first_value;
  entry.require(track.first_value >= 0 && room >= 0 && track.num_samples <= room / num_stems,
                "{} stems of {} samples from value {} on do not fit into {} with {} values",
                num_stems, track.num_samples, track.first_value, kAudioDataset, num_values);
}

void check_window(const ShardWindow& window, const std::vector<ShardTrack>& tracks,
                  int64_t window_samples, const Entry& entry) {
  entry.require(window.track >= 0 && window.track < static_cast<int64_t>(tracks.size()),
                "names track {} of {}", window.track, tracks.size());
  const ShardTrack& track = tracks[static_cast<size_t>(window.track)];
  entry.require(window.start_sample >= 0 && window.start_sample <= track.num_samples &&
                    window_samples <= track.num_samples - window.start_sample,
                "{} samples from {} on reach outside a track of {} samples", window_samples,
                window.start_sample, track.num_samples);
  entry.require(window.audible.size() == track.stem_names.size(),
                "has {} audible flags for {} stems", window.audible.size(),
                track.stem_names.size());
  entry.require(std::ranges::all_of(window.audible, [](uint8_t a) { return a <= 1; }),
                "an audible flag is neither 0 nor 1");
  entry.require(std::ranges::count(window.audible, uint8_t{1}) >= 2,
                "has fewer than two audible stems");
}

}  // namespace

FeatureEncoding encoding_for(const std::string& feature_kind) {
  if (feature_kind == "hps") return {.scale_db = 80.0 / 65535.0, .offset_db = -80.0};
  if (feature_kind == "mel") return {.scale_db = 200.0 / 65535.0, .offset_db = -100.0};
  fail("shard_format", "feature kind \"{}\" is neither \"hps\" nor \"mel\"", feature_kind);
}

void ShardSettings::validate(const std::string& origin) const {
  check_range("sample_rate_hz", sample_rate_hz, 1, 768000, origin);
  check_range("window_samples", window_samples, 1, kMaxWindowSamples, origin);
  check_range("pairs_per_window", pairs_per_window, 0, kMaxPairsPerWindow, origin);
  if (window_grid != kHopGrid && window_grid != "original") {
    fail("shard_format", "{}: {} is \"{}\", neither \"hop\" nor \"original\"", origin, kGridKey,
         window_grid);
  }
  if (pairs_per_window == 0) {
    if (!has_stems) fail("shard_format", "{}: neither stems nor features are stored", origin);
    return;
  }
  check_range("channels", channels, 1, 1 << 10, origin);
  check_range("mel_bins", mel_bins, 1, 1 << 16, origin);
  check_range("frames", frames, 1, kMaxViewValues / (channels * mel_bins), origin);
}

Json settings_to_json(const ShardSettings& settings) {
  Json json = Json::object();
  for_each_setting(settings, [&](const char* name, const auto& value) { json[name] = value; });
  // Left out where it is the usual one, so that shards of before there was a choice are the same.
  if (settings.window_grid != kHopGrid) json[kGridKey] = settings.window_grid;
  return json;
}

ShardSettings settings_from_json(const Json& json, const std::string& origin) {
  ShardSettings settings;
  for_each_setting(settings, [&]<typename T>(const char* name, T& value) {
    value = json_member_as<T>(json, name, origin);
  });
  if (json.contains(kGridKey)) {
    settings.window_grid = json_member_as<std::string>(json, kGridKey, origin);
  }
  settings.validate(origin);
  return settings;
}

void check_tables(const ShardSettings& settings, const std::vector<ShardTrack>& tracks,
                  const std::vector<ShardWindow>& windows, int64_t num_values,
                  const std::string& origin) {
  for (size_t i = 0; i < tracks.size(); ++i) {
    check_track(tracks[i], settings.has_stems, num_values, Entry{origin, "track", i});
  }
  for (size_t i = 0; i < windows.size(); ++i) {
    check_window(windows[i], tracks, settings.window_samples, Entry{origin, "window", i});
  }
}

int64_t window_key(const std::string& track_name, int64_t start_sample) {
  const std::string digest = digest_of(track_name + '\0' + std::to_string(start_sample));
  return static_cast<int64_t>(std::stoul(digest.substr(kDigestLength - 8), nullptr, 16));
}

}  // namespace cocola
