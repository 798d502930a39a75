#include "eval/response.h"

#include <ATen/core/Tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "base/error.h"
#include "batches/pair_reader.h"
#include "eval/score.h"
#include "eval/small_model.h"
#include "eval/small_songs.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;

RunConfig small_config() {
  RunConfig config;
  config.data.window.window_seconds = 0.5;
  return config;
}

ResponseReport measure(const std::vector<std::string>& songs, int64_t num_windows,
                       FeatureKind kind = FeatureKind::hps) {
  const testing::TemporaryDirectory directory;
  testing::write_songs(directory.path(), songs);
  const TrainedModel model =
      open_model(testing::write_small_model(directory / "m.safetensors", kind));
  return measure_response(model, ShardSet(directory.path(), "test", true), small_config(),
                          num_windows);
}

const DamageResponse& response_to(const ModeResponse& mode, Damage damage) {
  for (const DamageResponse& response : mode.damages) {
    if (response.kind->damage == damage) return response;
  }
  throw std::logic_error("not measured");
}

TEST(Response, EveryDamageIsMeasuredFromTheSameCleanScore) {
  const ResponseReport report = measure({"one", "two"}, 100);
  EXPECT_EQ(report.num_windows, 6);
  EXPECT_EQ(report.num_songs, 2);
  ASSERT_EQ(report.modes.size(), 3u);
  for (const ModeResponse& mode : report.modes) {
    ASSERT_EQ(mode.damages.size(), damage_kinds().size());
    for (const DamageResponse& damage : mode.damages) {
      ASSERT_EQ(damage.rows.size(), damage.kind->strengths.size() + 1);
      EXPECT_EQ(damage.rows[0].strength, 0.0);
      EXPECT_EQ(damage.rows[0].change.value, 0.0);
      const double clean = mode.damages[0].rows[0].score.value;
      EXPECT_EQ(damage.rows[0].score.value, clean);
      for (const ResponseRow& row : damage.rows) {
        EXPECT_NEAR(row.score.value - clean, row.change.value, 1e-9 + 1e-9 * std::abs(clean));
        EXPECT_TRUE(row.change.interval.has_value());
      }
    }
  }
  EXPECT_NE(report.modes[0].damages[0].rows[0].score.value,
            report.modes[1].damages[0].rows[0].score.value);
}

TEST(Response, TheCleanScoreIsThatOfThePairAsItIs) {
  // Two stems, so anchor and positive are these, in either order.
  const testing::TemporaryDirectory directory;
  testing::write_songs(directory.path(), {"one", "two"});
  const TrainedModel model = open_model(testing::write_small_model(directory / "m.safetensors"));
  const ShardSet shards(directory.path(), "test", true);
  const ResponseReport report = measure_response(model, shards, small_config(), 100);
  PairReader reader(model.features.shape(shards.settings().window_samples), 1, [&] {
    return make_pair_source(SourceKind::stems, shards, model.features, 0.0,
                            small_config().evaluation.seed);
  });
  const Batch batch = reader.read(std::vector<int64_t>{0, 1, 2, 3, 4, 5}, kEvaluationEpoch);
  const double expected = score_features(model, batch.anchors, batch.positives, ChannelMask::none)
                              .mean()
                              .item<double>();
  EXPECT_NEAR(report.modes[0].damages[0].rows[0].score.value, expected, 1e-5 * std::abs(expected));
}

// Scores of 20 windows of 10 songs whose mean moves by these steps with each strength.
DamageResponse summary(const std::vector<double>& steps, double noise) {
  static const DamageKind kind{Damage::detune, "detune", "cents", {1, 2, 4, 8}};
  std::vector<std::vector<double>> scores(5);
  std::vector<int64_t> songs;
  for (int64_t i = 0; i < 20; ++i) {
    songs.push_back(i / 2);
    for (size_t s = 0; s < 5; ++s) {
      const bool is_up = (static_cast<size_t>(i) + s) % 2 == 0;
      const double moved =
          std::accumulate(steps.begin(), steps.begin() + static_cast<int64_t>(s), 0.0);
      scores[s].push_back(30.0 + static_cast<double>(i) + moved + (is_up ? noise : -noise));
    }
  }
  return summarise_response(kind, scores, songs, 10, 1);
}

DamageResponse summary(double step, double noise) {
  return summary(std::vector<double>(4, step), noise);
}

TEST(Response, AScoreThatSinksUnderDamageFalls) {
  const DamageResponse sinking = summary(-1.0, 0.1);
  EXPECT_NEAR(*sinking.trend, -1.0, 1e-12);
  EXPECT_TRUE(sinking.falls);
  EXPECT_NEAR(sinking.rows[4].change.value, -4.0, 1e-12);
  EXPECT_EQ(sinking.rows[4].strength, 8.0);
  // Songs differ much, yet all fall alike: the change is known better than the score.
  const Interval change = *sinking.rows[4].change.interval, score = *sinking.rows[4].score.interval;
  EXPECT_LT(change.high - change.low, 0.1 * (score.high - score.low));
}

TEST(Response, AScoreThatFallsOnceAndNoFurtherDoesNotFallAsDamageGrows) {
  const DamageResponse flat = summary({-1.0, 0.0, 0.0, 0.0}, 0.1);
  EXPECT_LT(flat.rows.back().change.interval->high, 0.0);
  EXPECT_NEAR(flat.growth.value, 0.0, 0.25);
  EXPECT_FALSE(flat.falls);
  EXPECT_NEAR(summary({-1.0, -1.0, 0.0, -1.0}, 0.1).growth.value, -2.0, 0.25);
  EXPECT_TRUE(summary({-1.0, -1.0, 0.0, -1.0}, 0.1).falls);
}

TEST(Response, AScoreThatRisesOrIsEqualButForRoundingDoesNotFall) {
  EXPECT_NEAR(*summary(1.0, 0.1).trend, 1.0, 1e-12);
  EXPECT_FALSE(summary(1.0, 0.1).falls);
  EXPECT_FALSE(summary(-1e-5, 0.0).trend.has_value());
  EXPECT_FALSE(summary(-1e-5, 0.0).falls);
}

TEST(Response, ModelsWithOneChannelHaveOneModeAndHearLevel) {
  const ResponseReport report = measure({"one", "two"}, 4, FeatureKind::mel);
  EXPECT_EQ(report.num_windows, 4);
  ASSERT_EQ(report.modes.size(), 1u);
  EXPECT_EQ(report.modes[0].mode, "both");
  EXPECT_TRUE(response_to(report.modes[0], Damage::level).trend.has_value());
}

TEST(Response, OneSongAndOtherWindowsAreRefused) {
  const auto refusal = [](const auto& action) {
    try {
      action();
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("measured");
  };
  EXPECT_THAT(refusal([] { measure({"one"}, 100); }), HasSubstr("all of one song"));
  const testing::TemporaryDirectory directory;
  testing::write_songs(directory.path(), {"one", "two"});
  ModelCard card = testing::small_card();
  card.window_seconds = 1.0;
  const TrainedModel model = open_model(testing::write_model(directory / "m.safetensors", card, 2));
  EXPECT_THAT(refusal([&] {
                measure_response(model, ShardSet(directory.path(), "test", true), small_config(),
                                 9);
              }),
              HasSubstr("data.window_seconds was 0.5"));
}

}  // namespace
}  // namespace cocola
