#include "features/feature_settings.h"

#include "base/error.h"
#include "base/json.h"

namespace cocola {

const char* to_string(FeatureKind kind) { return kind == FeatureKind::hps ? "hps" : "mel"; }

std::string feature_settings_to_json(const FeatureConfig& config) {
  return OrderedJson{{"kind", to_string(config.kind)},    {"sample_rate_hz", config.sample_rate_hz},
                     {"fft_size", config.fft_size},       {"taper_samples", config.taper_samples},
                     {"hop_samples", config.hop_samples}, {"mel_bins", config.mel_bins},
                     {"min_hz", config.min_hz},           {"max_hz", config.max_hz}}
      .dump();
}

FeatureConfig feature_settings_from_json(const std::string& text, const std::string& origin) {
  const Json json = parse_json_strictly(text, origin);
  const auto integer = [&](const char* key) {
    if (!json.at(key).is_number_integer())
      fail("features", "{}: feature setting {} is {}; it must be an integer", origin, key,
           json.at(key).dump());
    return json.at(key).get<int64_t>();
  };
  FeatureConfig config;
  try {
    const auto kind = json.at("kind").get<std::string>();
    if (kind != "hps" && kind != "mel") {
      fail("features", "{}: feature kind {}; known are hps and mel", origin, kind);
    }
    config.kind = kind == "hps" ? FeatureKind::hps : FeatureKind::mel;
    config.sample_rate_hz = integer("sample_rate_hz");
    config.fft_size = integer("fft_size");
    config.taper_samples = integer("taper_samples");
    config.hop_samples = integer("hop_samples");
    config.mel_bins = integer("mel_bins");
    json.at("min_hz").get_to(config.min_hz);
    json.at("max_hz").get_to(config.max_hz);
    config.validate();
  } catch (const nlohmann::json::exception& e) {
    fail("features", "{}: feature settings: {}", origin, e.what());
  } catch (const UsageError& e) {
    fail("features", "{}: {}", origin, e.what());
  }
  if (json.size() != 8) fail("features", "{}: unknown feature settings in {}", origin, text);
  return config;
}

}  // namespace cocola
