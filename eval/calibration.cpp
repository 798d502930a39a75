#include "eval/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"

namespace cocola {
namespace {

// One JSON object; errors name where it stands and the key.
class Object {
 public:
  Object(const Json& json, std::string origin, std::string path)
      : json_(json), origin_(std::move(origin)), path_(std::move(path)) {
    if (!json_.is_object()) fail(origin_, "'{}' is no object", path_.empty() ? "it" : path_);
  }

  bool has(const char* key) const { return json_.contains(key); }
  std::string path_of(const char* key) const {
    return path_.empty() ? key : fmt::format("{}.{}", path_, key);
  }
  const Json& at(const char* key) const {
    if (!has(key)) fail(origin_, "'{}' is missing", path_of(key));
    return json_.at(key);
  }
  Object object(const char* key) const { return {at(key), origin_, path_of(key)}; }

  std::string text(const char* key) const {
    const Json& value = at(key);
    if (!value.is_string()) refuse(key, "no text");
    return value.get<std::string>();
  }
  std::string digest(const char* key) const {
    const std::string value = text(key);
    if (value.size() != kDigestLength ||
        value.find_first_not_of("0123456789abcdef") != std::string::npos) {
      refuse(key, "no digest");
    }
    return value;
  }
  int64_t count(const char* key) const {
    const Json& value = at(key);
    constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
    if (!value.is_number_unsigned() || value.get<uint64_t>() < 1 || value.get<uint64_t>() > kMost) {
      refuse(key, "no whole number of at least 1");
    }
    return value.get<int64_t>();
  }
  uint64_t seed(const char* key) const {
    const Json& value = at(key);
    if (!value.is_number_unsigned()) refuse(key, "no whole number of at least 0");
    return value.get<uint64_t>();
  }
  // Finite numbers in ascending order, two or more.
  std::vector<double> quantiles(const char* key) const {
    std::vector<double> values;
    const Json& list = at(key);
    if (!list.is_array() || list.size() < 2) refuse(key, "no list of two or more numbers");
    for (const Json& value : list) {
      if (!value.is_number()) refuse(key, "not of numbers alone");
      values.push_back(value.get<double>());
    }
    const bool is_finite = std::ranges::all_of(values, [](double v) { return std::isfinite(v); });
    if (!is_finite || !std::ranges::is_sorted(values)) refuse(key, "not finite and ascending");
    return values;
  }

 private:
  [[noreturn]] void refuse(const char* key, const char* problem) const {
    fail(origin_, "'{}' is {}", path_of(key), problem);
  }

  const Json& json_;
  std::string origin_, path_;
};

OrderedJson to_json(const ScoreDistribution& distribution) {
  return {{"count", distribution.count}, {"quantiles", distribution.quantiles}};
}

OrderedJson to_json(const ModeCalibration& mode) {
  return {{"true_pairs", to_json(mode.true_pairs)}, {"mismatched", to_json(mode.mismatched)}};
}

ScoreDistribution distribution_from(const Object& object) {
  return {.quantiles = object.quantiles("quantiles"), .count = object.count("count")};
}

ModeCalibration mode_from(const Object& object) {
  return {.true_pairs = distribution_from(object.object("true_pairs")),
          .mismatched = distribution_from(object.object("mismatched"))};
}

}  // namespace

double ScoreDistribution::percentile(double score) const {
  if (std::isnan(score)) fail("calibration", "a score that is not a number has no percentile");
  const auto [below, above] = std::ranges::equal_range(quantiles, score);
  const double last = static_cast<double>(quantiles.size() - 1);
  const auto share_of = [&](auto place) {
    return 100.0 * static_cast<double>(place - quantiles.begin()) / last;
  };
  if (below != above) return 0.5 * (share_of(below) + share_of(above - 1));
  if (below == quantiles.begin()) return 0.0;
  if (below == quantiles.end()) return 100.0;
  const double low = *(below - 1), high = *below;
  // Halves, because high - low may exceed the largest number.
  const double part = (score / 2 - low / 2) / (high / 2 - low / 2);
  return share_of(below - 1) + 100.0 * std::clamp(part, 0.0, 1.0) / last;
}

double ScoreDistribution::quantile(double share) const {
  const double place = share * static_cast<double>(quantiles.size() - 1);
  const size_t before = std::min(static_cast<size_t>(place), quantiles.size() - 2);
  return std::lerp(quantiles[before], quantiles[before + 1], place - static_cast<double>(before));
}

ScoreDistribution distribution_of(std::span<const double> scores) {
  if (scores.empty()) fail("calibration", "no scores to take quantiles of");
  std::vector<double> sorted(scores.begin(), scores.end());
  for (const double score : sorted) {
    if (!std::isfinite(score)) fail("calibration", "a score is {}", score);
  }
  std::ranges::sort(sorted);
  ScoreDistribution distribution{.quantiles = {}, .count = static_cast<int64_t>(sorted.size())};
  for (size_t i = 0; i < kNumQuantiles; ++i) {
    // Whole numbers as far as they go, so that quantiles of scores in order are those scores.
    const size_t numerator = i * (sorted.size() - 1);
    const size_t place = numerator / (kNumQuantiles - 1);
    const double part = static_cast<double>(numerator % (kNumQuantiles - 1)) /
                        static_cast<double>(kNumQuantiles - 1);
    const double low = sorted[place], high = sorted[std::min(place + 1, sorted.size() - 1)];
    distribution.quantiles.push_back(std::lerp(low, high, part));
  }
  return distribution;
}

std::vector<std::pair<const char*, const ModeCalibration*>> modes_of(
    const Calibration& calibration) {
  std::vector<std::pair<const char*, const ModeCalibration*>> modes = {{"both", &calibration.both}};
  if (calibration.harmonic) modes.emplace_back("harmonic", &*calibration.harmonic);
  if (calibration.percussive) modes.emplace_back("percussive", &*calibration.percussive);
  return modes;
}

std::string calibration_to_json(const Calibration& calibration) {
  OrderedJson json = {{"split", calibration.split},
                      {"songs", calibration.num_songs},
                      {"windows", calibration.num_windows},
                      {"seed", calibration.seed},
                      {"data_digest", calibration.data_digest},
                      {"model_digest", calibration.model_digest}};
  for (const auto& [name, mode] : modes_of(calibration)) json[name] = to_json(*mode);
  return json.dump();
}

Calibration calibration_from_json(const std::string& text, const std::string& origin) {
  const Json json = parse_json_strictly(text, origin);
  const Object object(json, origin, "");
  Calibration calibration{.both = mode_from(object.object("both")),
                          .harmonic = {},
                          .percussive = {},
                          .split = object.text("split"),
                          .num_songs = object.count("songs"),
                          .num_windows = object.count("windows"),
                          .seed = object.seed("seed"),
                          .data_digest = object.digest("data_digest"),
                          .model_digest = object.digest("model_digest")};
  if (object.has("harmonic") || object.has("percussive")) {
    calibration.harmonic = mode_from(object.object("harmonic"));
    calibration.percussive = mode_from(object.object("percussive"));
  }
  return calibration;
}

}  // namespace cocola
