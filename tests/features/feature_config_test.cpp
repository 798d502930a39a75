#include "features/feature_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/error.h"
#include "features/feature_settings.h"

namespace cocola {
namespace {

TEST(FeatureConfig, EverySettingChangesTheFingerprintAndSurvivesJson) {
  std::vector<FeatureConfig> configs(9);
  configs[1].kind = FeatureKind::mel;
  configs[2].sample_rate_hz = 22050;
  configs[3].fft_size = 2048;
  configs[4].taper_samples = 401;
  configs[5].hop_samples = 161;
  configs[6].mel_bins = 65;
  configs[7].min_hz = 60.000000000000007;
  configs[8].max_hz = 7801;
  std::set<std::string> seen;
  for (const FeatureConfig& config : configs) {
    seen.insert(config.fingerprint());
    EXPECT_EQ(feature_settings_from_json(feature_settings_to_json(config), "test"), config);
  }
  EXPECT_EQ(seen.size(), configs.size());
}

// Shards and models carry fingerprints: they must never change for settings of today.
TEST(FeatureConfig, DescriptionAndFingerprintStayWhatTheyWere) {
  const FeatureConfig config;
  EXPECT_EQ(config.description(),
            "hps-v1 rate=16000 fft=1024 taper=400 hop=160 mel=64 hz=60..7800");
  EXPECT_EQ(config.fingerprint(), "a0871013a1fa7465");
}

TEST(FeatureConfig, ShapeCountsTheFramesOfTheWindow) {
  EXPECT_EQ(FeatureConfig{}.shape(80000), (FeatureShape{2, 64, 501}));
  FeatureConfig mel;
  mel.kind = FeatureKind::mel;
  EXPECT_EQ(mel.shape(159), (FeatureShape{1, 64, 1}));
}

TEST(FeatureConfig, SettingsOutOfRangeAreRefusedByName) {
  struct Case {
    const char* key;
    std::function<void(FeatureConfig&)> spoil;
  };
  for (const Case& c : {
           Case{"sample_rate_hz", [](FeatureConfig& f) { f.sample_rate_hz = 999; }},
           Case{"fft_size", [](FeatureConfig& f) { f.fft_size = 1023; }},
           Case{"fft_size", [](FeatureConfig& f) { f.fft_size = 16384; }},
           Case{"taper_samples", [](FeatureConfig& f) { f.taper_samples = 1025; }},
           Case{"hop_samples", [](FeatureConfig& f) { f.hop_samples = 0; }},
           Case{"mel_bins", [](FeatureConfig& f) { f.mel_bins = 0; }},
           Case{"min_hz", [](FeatureConfig& f) { f.min_hz = -1; }},
           Case{"max_hz", [](FeatureConfig& f) { f.max_hz = 8001; }},
           Case{"min_hz", [](FeatureConfig& f) { f.min_hz = f.max_hz; }},
           Case{"min_hz", [](FeatureConfig& f) { f.min_hz = std::nan(""); }},
       }) {
    FeatureConfig config;
    c.spoil(config);
    try {
      config.validate();
      ADD_FAILURE() << c.key << " was accepted";
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr(c.key));
    }
  }
}

TEST(FeatureConfig, BrokenSettingsNameTheirOrigin) {
  // Each replaces one setting of a sound text.
  const std::string sound = feature_settings_to_json(FeatureConfig{});
  std::vector<std::string> broken = {"{}", "[]", "{\"kind\": \"hps\"}", "x"};
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"hps\"", "\"chroma\""},
                                                        {"1024", "1024.5"},
                                                        {"1024", "\"1024\""},
                                                        {"1024", "1023"},
                                                        {"mel_bins", "bands"},
                                                        {"{", "{\"more\":1,"}}) {
    broken.push_back(sound);
    broken.back().replace(broken.back().find(from), from.size(), to);
  }
  for (const std::string& text : broken) {
    try {
      feature_settings_from_json(text, "model.safetensors");
      ADD_FAILURE() << text << " was accepted";
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr("model.safetensors"));
    }
  }
}

}  // namespace
}  // namespace cocola
