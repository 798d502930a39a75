#include "stems/track.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "audio/audio_file.h"
#include "audio/resample.h"
#include "base/error.h"

namespace cocola {
namespace {

constexpr const char* kWhere = "track";
constexpr float kFullScale = 32767.0f;
constexpr double kMaxLengthDifferenceSeconds = 0.05;
constexpr size_t kBlockSamples = 65536;

struct Stem {
  std::vector<int16_t> samples;
  float peak = 0.0f;  // of the samples before they became integers
};

// Samples beyond the integers' range are clipped; `peak` tells.
void append_as_integers(std::span<const float> values, float scale, Stem& stem) {
  float peak = stem.peak;
  for (const float value : values) peak = std::max(peak, std::abs(value));
  stem.peak = peak;
  const size_t old_size = stem.samples.size();
  stem.samples.resize(old_size + values.size());
  int16_t* const out = stem.samples.data() + old_size;
  for (size_t i = 0; i < values.size(); ++i) {
    const float scaled = std::clamp(values[i] * scale, -kFullScale, kFullScale);
    out[i] = static_cast<int16_t>(std::lrint(scaled));
  }
}

// Never holds the file at its own rate, nor as floats.
Stem read_stem(const std::filesystem::path& path, int64_t sample_rate_hz, float scale) {
  AudioFile file(path);
  Resampler resampler(file.sample_rate_hz(), sample_rate_hz);
  Stem stem;
  std::vector<float> block(kBlockSamples), resampled;
  while (const int64_t n = file.read(block)) {
    resampled.clear();
    resampler.push(std::span(block).first(static_cast<size_t>(n)), resampled);
    append_as_integers(resampled, scale, stem);
  }
  resampled.clear();
  resampler.finish(resampled);
  append_as_integers(resampled, scale, stem);
  return stem;
}

// Reads every stem into `track`. Returns the highest peak.
float read_stems(const TrackFiles& files, float scale, Track& track) {
  float peak = 0.0f;
  track.stems.clear();
  for (const auto& path : files.stems) {
    try {
      Stem stem = read_stem(path, track.sample_rate_hz, scale);
      peak = std::max(peak, stem.peak);
      track.stems.push_back(std::move(stem.samples));
    } catch (const Error& error) {
      fail(kWhere, "{}: {}", files.name, error.what());
    }
  }
  return peak;
}

// Coders pad, so lengths may differ a little; more means that a stem is of another track, or cut.
void cut_to_shortest(const TrackFiles& files, Track& track) {
  size_t shortest = 0, longest = 0;
  for (size_t i = 1; i < track.stems.size(); ++i) {
    if (track.stems[i].size() < track.stems[shortest].size()) shortest = i;
    if (track.stems[i].size() > track.stems[longest].size()) longest = i;
  }
  const auto rate = static_cast<double>(track.sample_rate_hz);
  const size_t length = track.stems[shortest].size();
  const auto difference = static_cast<double>(track.stems[longest].size() - length);
  if (difference > kMaxLengthDifferenceSeconds * rate) {
    fail(kWhere,
         "{}: stems differ in length: {} lasts {:.3f} s, {} lasts {:.3f} s; at most {} s are cut",
         files.name, files.stems[shortest].string(), static_cast<double>(length) / rate,
         files.stems[longest].string(), static_cast<double>(track.stems[longest].size()) / rate,
         kMaxLengthDifferenceSeconds);
  }
  for (auto& stem : track.stems) stem.resize(length);
}

// Names below the directory that all stems share, without extensions: "drums" or "drums/kick".
std::vector<std::string> names_of(const std::vector<std::filesystem::path>& stems) {
  std::filesystem::path shared = stems.front().parent_path();
  const auto lies_below = [&shared](const std::filesystem::path& stem) {
    return std::mismatch(shared.begin(), shared.end(), stem.begin(), stem.end()).first ==
           shared.end();
  };
  while (shared.has_relative_path() && !std::all_of(stems.begin(), stems.end(), lies_below)) {
    shared = shared.parent_path();
  }
  std::vector<std::string> names;
  for (const auto& stem : stems) {
    names.push_back(stem.lexically_relative(shared).replace_extension().generic_string());
  }
  return names;
}

}  // namespace

Track read_track(const TrackFiles& files, int64_t sample_rate_hz) {
  if (files.stems.size() < 2) {
    fail(kWhere, "{}: {} stems; a track needs at least two to form a pair", files.name,
         files.stems.size());
  }
  Track track;
  track.name = files.name;
  track.stem_names = names_of(files.stems);
  track.sample_rate_hz = sample_rate_hz;
  const float peak = read_stems(files, kFullScale, track);
  if (peak > 1.0f) {
    // Loud tracks are decoded twice: cheaper than holding every track as floats.
    track.gain = peak / kFullScale;
    read_stems(files, kFullScale / peak, track);
  }
  cut_to_shortest(files, track);
  return track;
}

}  // namespace cocola
