#include "eval/trained_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/small_model.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// What opening says after `change` was made to a good card; the file itself is undamaged.
template <typename Change>
std::string refusal(Change change) {
  const testing::TemporaryDirectory directory;
  ModelCard card = testing::small_card();
  change(card);
  try {
    open_model(testing::write_model(directory / "m.safetensors", card, 2));
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("m.safetensors"));
    return e.what();
  }
  return "opened";
}

std::string with_settings(const FeatureConfig& features) {
  return refusal([&](ModelCard& c) { c.feature_settings = feature_settings_to_json(features); });
}

TEST(TrainedModel, BringsItsFrontEnd) {
  const testing::TemporaryDirectory directory;
  const TrainedModel model = open_model(testing::write_small_model(directory / "m.safetensors"));
  EXPECT_EQ(model.features, FeatureConfig());
  EXPECT_EQ(model.window_samples(), 8000);
  EXPECT_EQ(model.card.step, 77);
}

TEST(TrainedModel, ACardThatContradictsItsFeatureSettingsIsRefused) {
  EXPECT_EQ(refusal([](ModelCard&) {}), "opened");
  FeatureConfig other;
  other.hop_samples = 320;
  EXPECT_THAT(with_settings(other),
              AllOf(HasSubstr("'feature_fingerprint'"), HasSubstr(FeatureConfig().fingerprint()),
                    HasSubstr(other.fingerprint())));
  EXPECT_THAT(with_settings({.kind = FeatureKind::mel}), HasSubstr("'feature_fingerprint'"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.feature_description = "hps-v2"; }),
              HasSubstr("'feature_description' is hps-v2"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.feature_kind = "mel"; }),
              HasSubstr("'feature_kind' is mel"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.sample_rate_hz = 44100; }),
              HasSubstr("'sample_rate_hz' is 44100, its feature_settings give 16000"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.feature_settings = "[]"; }),
              HasSubstr("feature settings"));
}

TEST(TrainedModel, ChannelsMustBeThoseOfTheFrontEnd) {
  const testing::TemporaryDirectory directory;
  const auto path =
      testing::write_model(directory / "m.safetensors", testing::small_card(FeatureKind::mel), 2);
  try {
    open_model(path);
    ADD_FAILURE() << "opened";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("'in_channels' is 2, its feature_settings give 1"));
  }
}

TEST(TrainedModel, AWindowHoldsAFourierTransform) {
  const FeatureConfig large{.fft_size = 8192, .taper_samples = 8192};
  EXPECT_THAT(refusal([&](ModelCard& c) {
                c.feature_settings = feature_settings_to_json(large);
                c.feature_fingerprint = large.fingerprint();
                c.feature_description = large.description();
              }),
              HasSubstr("'window_seconds' is 0.5: 8000 samples, fewer than the 8192"));
}

}  // namespace
}  // namespace cocola
