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
  FeatureConfig config;
  try {
    const auto kind = json.at("kind").get<std::string>();
    if (kind != "hps" && kind != "mel") {
      fail("features", "{}: feature kind {}; known are hps and mel", origin, kind);
    }
    config.kind = kind == "hps" ? FeatureKind::hps : FeatureKind::mel;
    json.at("sample_rate_hz").get_to(config.sample_rate_hz);
    json.at("fft_size").get_to(config.fft_size);
    json.at("taper_samples").get_to(config.taper_samples);
    json.at("hop_samples").get_to(config.hop_samples);
    json.at("mel_bins").get_to(config.mel_bins);
    json.at("min_hz").get_to(config.min_hz);
    json.at("max_hz").get_to(config.max_hz);
  } catch (const nlohmann::json::exception& e) {
    fail("features", "{}: feature settings: {}", origin, e.what());
  }
  if (json.size() != 8) fail("features", "{}: unknown feature settings in {}", origin, text);
  config.validate();
  return config;
}

}  // namespace cocola
