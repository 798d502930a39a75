#include "features/feature_extractor.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <thread>

#include "base/error.h"
#include "features/feature_settings.h"
#include "features/hpss.h"
#include "features/mel.h"
#include "features/stft.h"
#include "support/golden.h"

namespace cocola {
namespace {

std::span<const float> span_of(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<float>(), static_cast<size_t>(tensor.numel())};
}

std::span<float> room_of(const at::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())};
}

double relative_error(const at::Tensor& found, const at::Tensor& expected) {
  return ((found - expected).abs().max() / expected.abs().max()).item<double>();
}

FeatureConfig config_of(FeatureKind kind) {
  FeatureConfig config;
  config.kind = kind;
  return config;
}

at::Tensor extract(FeatureKind kind, const at::Tensor& waveform,
                   SimdLevel level = best_simd_level()) {
  FeatureExtractor extractor(config_of(kind), level);
  const FeatureShape shape = extractor.config().shape(waveform.numel());
  const at::Tensor out = at::empty({shape.channels, shape.mel_bins, shape.frames});
  extractor.extract(span_of(waveform), room_of(out));
  return out;
}

// The signal of the published known answers: two tones and a click every quarter second.
at::Tensor tones_and_clicks() {
  const at::Tensor x = at::empty({80000});
  float* const samples = x.data_ptr<float>();
  for (int64_t n = 0; n < 80000; ++n) {
    const double t = 2 * M_PI * static_cast<double>(n) / 16000;
    double value = 0.3 * std::sin(220 * t) + 0.2 * std::sin(1000 * t);
    if (n % 4000 == 0) value += 0.5;
    samples[n] = static_cast<float>(value);
  }
  return x;
}

class FrontEndAt : public ::testing::TestWithParam<SimdLevel> {};

// Differences count where the value is above -79 dB: at the floor a rounding error decides.
void expect_golden_features(const at::Tensor& found, const at::Tensor& expected) {
  const at::Tensor difference =
      at::where(expected > -79, (found - expected).abs(), at::zeros_like(found));
  EXPECT_LE(difference.max().item<double>(), 2e-3);
}

TEST_P(FrontEndAt, HpsEqualsLibrosa) {
  const SafetensorsFile golden = testing::golden("frontend");
  for (int64_t i = 0; i < 3; ++i) {
    expect_golden_features(extract(FeatureKind::hps, golden.get("waveform")[i], GetParam()),
                           golden.get("hps")[i]);
  }
}

TEST_P(FrontEndAt, MelEqualsTorchaudio) {
  const SafetensorsFile golden = testing::golden("frontend");
  for (int64_t i = 0; i < 3; ++i) {
    expect_golden_features(extract(FeatureKind::mel, golden.get("waveform")[i], GetParam()),
                           golden.get("mel")[i]);
  }
}

TEST_P(FrontEndAt, GivesTheSameBitsAsTheBestLevel) {
  const at::Tensor x = tones_and_clicks();
  for (const FeatureKind kind : {FeatureKind::hps, FeatureKind::mel}) {
    EXPECT_TRUE(at::equal(extract(kind, x, GetParam()), extract(kind, x)));
  }
}

TEST_P(FrontEndAt, SeparatedPartsEqualLibrosaAndSumToTheWhole) {
  const SafetensorsFile golden = testing::golden("frontend");
  // The reference is [bins, frames]; ours is frame-major.
  const at::Tensor magnitude = golden.get("window0.magnitude").t().contiguous();
  const at::Tensor harmonic = at::empty_like(magnitude), percussive = at::empty_like(magnitude);
  MedianScratch scratch;
  hpss(span_of(magnitude), room_of(harmonic), room_of(percussive), magnitude.size(0),
       magnitude.size(1), scratch, GetParam());
  EXPECT_LE(relative_error(harmonic.t(), golden.get("window0.harmonic")), 2e-5);
  EXPECT_LE(relative_error(percussive.t(), golden.get("window0.percussive")), 2e-5);
  EXPECT_LE(relative_error(harmonic + percussive, magnitude), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Levels, FrontEndAt, ::testing::ValuesIn(available_simd_levels()),
                         [](const auto& test) {
                           std::string name = to_string(test.param);
                           std::erase(name, '-');
                           return name;
                         });

TEST(Stft, MagnitudeEqualsLibrosa) {
  const SafetensorsFile golden = testing::golden("frontend");
  Stft stft(config_of(FeatureKind::hps), EdgePadding::zeros);
  const at::Tensor waveform = golden.get("waveform")[0].contiguous();
  const at::Tensor magnitude = at::empty({501, 513});
  stft.magnitude(span_of(waveform), room_of(magnitude));
  EXPECT_LE(relative_error(magnitude.t(), golden.get("window0.magnitude")), 1e-5);
}

at::Tensor dense(const std::vector<MelBand>& bands) {
  const at::Tensor matrix = at::zeros({static_cast<int64_t>(bands.size()), 513});
  for (size_t b = 0; b < bands.size(); ++b) {
    for (size_t k = 0; k < bands[b].weights.size(); ++k) {
      matrix[static_cast<int64_t>(b)][bands[b].first_bin + static_cast<int64_t>(k)] =
          bands[b].weights[k];
    }
  }
  return matrix;
}

TEST(Mel, FilterBanksEqualLibrosaAndTorchaudio) {
  const SafetensorsFile golden = testing::golden("frontend");
  const auto bank = [](MelScale scale) {
    return dense(mel_bands(scale, 64, 1024, 16000, 60, 7800));
  };
  EXPECT_LE(relative_error(bank(MelScale::slaney_area), golden.get("mel_filters_slaney")), 1e-5);
  EXPECT_LE(relative_error(bank(MelScale::htk_peak), golden.get("mel_filters_htk")), 1e-5);
}

TEST(FrontEnd, GivesThePublishedKnownAnswers) {
  const at::Tensor x = tones_and_clicks();
  const at::Tensor hps = extract(FeatureKind::hps, x), mel = extract(FeatureKind::mel, x);
  struct Answer {
    int64_t band, frame;
    double harmonic, percussive, mel;
  };
  for (const Answer& a :
       {Answer{0, 0, -50.4534, -0.8170, 22.7599}, Answer{5, 100, -36.7920, -24.0426, 30.0851},
        Answer{23, 250, -58.8535, -22.4044, 0.7761}, Answer{40, 100, -80.0, -22.3152, 3.1616},
        Answer{63, 500, -80.0, -47.7496, -13.0896}}) {
    EXPECT_NEAR(hps[0][a.band][a.frame].item<double>(), a.harmonic, 2e-3);
    EXPECT_NEAR(hps[1][a.band][a.frame].item<double>(), a.percussive, 2e-3);
    EXPECT_NEAR(mel[0][a.band][a.frame].item<double>(), a.mel, 2e-3);
  }
  EXPECT_NEAR(hps[0].mean().item<double>(), -64.6902, 2e-3);
  EXPECT_NEAR(hps[1].mean().item<double>(), -64.4861, 2e-3);
  EXPECT_NEAR(mel.mean().item<double>(), -44.0435, 2e-3);
}

TEST(FrontEnd, SilenceIsZeroDecibelWithHpsAndTheFloorWithMel) {
  const at::Tensor silence = at::zeros({32000});
  EXPECT_TRUE(at::equal(extract(FeatureKind::hps, silence), at::zeros({2, 64, 201})));
  EXPECT_TRUE(
      at::allclose(extract(FeatureKind::mel, silence), at::full({1, 64, 201}, -100.0), 0, 1e-4));
}

TEST(FrontEnd, HpsDoesNotHearTheGain) {
  const at::Tensor x = tones_and_clicks();
  const at::Tensor difference = extract(FeatureKind::hps, x) - extract(FeatureKind::hps, 0.1 * x);
  EXPECT_LE(difference.abs().max().item<double>(), 1e-3);
}

TEST(FrontEnd, NonFiniteSamplesAreRefusedWithTheirPosition) {
  at::Tensor x = tones_and_clicks();
  x[1234] = std::nanf("");
  try {
    extract(FeatureKind::hps, x);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("sample 1234"));
  }
}

TEST(FrontEnd, LeavesTheThreadsOfTheCallerAlone) {
  at::set_num_threads(2);
  std::thread([] { extract(FeatureKind::hps, tones_and_clicks()); }).join();
  extract(FeatureKind::hps, tones_and_clicks());
  EXPECT_EQ(at::get_num_threads(), 2);
}

TEST(FeatureConfig, EverySettingChangesTheFingerprint) {
  std::vector<FeatureConfig> configs(9);
  configs[1].kind = FeatureKind::mel;
  configs[2].sample_rate_hz = 22050;
  configs[3].fft_size = 2048;
  configs[4].taper_samples = 401;
  configs[5].hop_samples = 161;
  configs[6].mel_bins = 65;
  configs[7].min_hz = 61;
  configs[8].max_hz = 7801;
  std::set<std::string> seen;
  for (const FeatureConfig& config : configs) {
    EXPECT_EQ(config.fingerprint(), config.fingerprint());
    seen.insert(config.fingerprint());
    EXPECT_EQ(feature_settings_from_json(feature_settings_to_json(config), "test"), config);
  }
  EXPECT_EQ(seen.size(), configs.size());
}

TEST(FeatureConfig, BrokenSettingsNameTheirOrigin) {
  for (const char* text : {"{}", "[]", "{\"kind\": \"hps\"}", "x"}) {
    EXPECT_THROW(feature_settings_from_json(text, "model.safetensors"), Error);
  }
}

}  // namespace
}  // namespace cocola
