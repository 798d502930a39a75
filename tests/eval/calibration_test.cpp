#include "eval/calibration.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "base/philox.h"
#include "batches/pair_reader.h"
#include "eval/calibrate.h"
#include "eval/score.h"
#include "eval/small_model.h"
#include "eval/small_songs.h"
#include "model/safetensors.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<double> normal_scores(int64_t count, double scale = 1.0, double offset = 0.0) {
  PhiloxStream stream(7, DrawPurpose::bootstrap, 0, 0, 0);
  std::vector<double> scores;
  for (int64_t i = 0; i < count; ++i) {
    scores.push_back(scale * static_cast<double>(stream.next_normal()) + offset);
  }
  return scores;
}

template <typename Action>
std::string refusal(const Action& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(ScoreDistribution, TheMedianIsAtFiftyAndEveryScoreAtItsRank) {
  for (const int64_t count : {101, 1000, 4321}) {
    std::vector<double> scores = normal_scores(count);
    const ScoreDistribution distribution = distribution_of(scores);
    EXPECT_EQ(distribution.count, count);
    std::ranges::sort(scores);
    const auto middle = static_cast<size_t>(count / 2);
    EXPECT_NEAR(distribution.percentile(scores[middle]), 50.0, 100.0 / static_cast<double>(count));
    for (size_t i = 0; i < scores.size(); ++i) {
      const double share = 100.0 * (static_cast<double>(i) + 0.5) / static_cast<double>(count);
      EXPECT_NEAR(distribution.percentile(scores[i]), share, 0.6);
    }
  }
}

TEST(ScoreDistribution, PercentilesAscendFromNothingToAll) {
  const ScoreDistribution distribution = distribution_of(normal_scores(500));
  EXPECT_EQ(distribution.percentile(distribution.quantiles.front() - 1e-9), 0.0);
  EXPECT_EQ(distribution.percentile(distribution.quantiles.back() + 1e-9), 100.0);
  EXPECT_EQ(distribution.percentile(-std::numeric_limits<double>::infinity()), 0.0);
  EXPECT_EQ(distribution.percentile(std::numeric_limits<double>::infinity()), 100.0);
  double before = 0.0;
  for (double score = -5.0; score < 5.0; score += 0.003) {
    const double percentile = distribution.percentile(score);
    EXPECT_GE(percentile, before);
    before = percentile;
  }
  EXPECT_THAT(refusal([&] { distribution.percentile(std::nan("")); }), HasSubstr("percentile"));
}

TEST(ScoreDistribution, EqualScoresCountHalf) {
  EXPECT_EQ(distribution_of(std::vector<double>(10, 3.0)).percentile(3.0), 50.0);
  std::vector<double> scores(400, 1.0);
  std::fill(scores.begin() + 200, scores.end(), 2.0);
  const ScoreDistribution distribution = distribution_of(scores);
  EXPECT_NEAR(distribution.percentile(1.0), 25.0, 0.5);
  EXPECT_NEAR(distribution.percentile(2.0), 75.0, 0.5);
  EXPECT_NEAR(distribution.percentile(1.5), 50.0, 0.5);
  EXPECT_EQ(distribution_of(std::vector<double>{4.0}).percentile(4.0), 50.0);
}

TEST(ScoreDistribution, AnotherScaleOfScoresHasTheSamePercentiles) {
  const ScoreDistribution plain = distribution_of(normal_scores(777));
  const ScoreDistribution scaled = distribution_of(normal_scores(777, 250.0, -40.0));
  for (const double score : {-3.0, -1.0, -0.1, 0.0, 0.7, 2.0}) {
    EXPECT_NEAR(plain.percentile(score), scaled.percentile(250.0 * score - 40.0), 1e-9);
  }
}

TEST(ScoreDistribution, QuantilesAndPercentilesInvertEachOther) {
  const ScoreDistribution distribution = distribution_of(normal_scores(2000));
  for (const double share : {0.0, 0.0501, 0.25, 0.5, 0.777, 1.0}) {
    EXPECT_NEAR(distribution.percentile(distribution.quantile(share)), 100.0 * share, 1e-9);
  }
  EXPECT_THAT(refusal([] { distribution_of({}); }), HasSubstr("no scores"));
  EXPECT_THAT(refusal([] {
                distribution_of(std::vector<double>{1.0, std::nan("")});
              }),
              HasSubstr("nan"));
}

Calibration some_calibration() {
  const ModeCalibration mode{.true_pairs = distribution_of(normal_scores(300, 0.1, 1.0 / 3.0)),
                             .mismatched = distribution_of(normal_scores(3000, 1e-7))};
  return {.both = mode,
          .harmonic = mode,
          .percussive = mode,
          .split = "test",
          .num_songs = 14,
          .num_windows = 300,
          .seed = std::numeric_limits<uint64_t>::max(),
          .data_digest = std::string(32, 'a'),
          .model_digest = std::string(32, '1')};
}

TEST(Calibration, TheTextKeepsEveryDigit) {
  Calibration calibration = some_calibration();
  EXPECT_EQ(calibration_from_json(calibration_to_json(calibration), "x"), calibration);
  calibration.harmonic.reset();
  calibration.percussive.reset();
  EXPECT_EQ(calibration_from_json(calibration_to_json(calibration), "x"), calibration);
}

TEST(Calibration, DamageIsNamedByItsKey) {
  const auto with = [](const char* pointer, const Json& value) {
    Json json = Json::parse(calibration_to_json(some_calibration()));
    json[Json::json_pointer(pointer)] = value;
    return refusal([&] { calibration_from_json(json.dump(), "FILE"); });
  };
  EXPECT_EQ(with("/added_later", 1), "accepted");
  EXPECT_THAT(with("/songs", 0), AllOf(HasSubstr("FILE"), HasSubstr("'songs'")));
  EXPECT_THAT(with("/windows", "many"), HasSubstr("'windows'"));
  EXPECT_THAT(with("/seed", -1), HasSubstr("'seed'"));
  EXPECT_THAT(with("/split", 3), HasSubstr("'split'"));
  EXPECT_THAT(with("/data_digest", "xyz"), HasSubstr("'data_digest'"));
  EXPECT_THAT(with("/both", 1), HasSubstr("'both'"));
  EXPECT_THAT(with("/both/true_pairs/count", 1.5), HasSubstr("'both.true_pairs.count'"));
  EXPECT_THAT(with("/both/mismatched/quantiles", Json::array({1})),
              HasSubstr("'both.mismatched.quantiles'"));
  EXPECT_THAT(with("/both/mismatched/quantiles", Json::array({1, "2"})), HasSubstr("quantiles"));
  EXPECT_THAT(with("/harmonic/mismatched/quantiles", Json::array({2, 1})),
              HasSubstr("'harmonic.mismatched.quantiles' is not finite and ascending"));
  Json json = Json::parse(calibration_to_json(some_calibration()));
  json.erase("harmonic");
  EXPECT_THAT(refusal([&] { calibration_from_json(json.dump(), "FILE"); }),
              HasSubstr("'harmonic' is missing"));
  EXPECT_THAT(refusal([] { calibration_from_json("{", "FILE"); }), HasSubstr("FILE"));
}

// A model, and songs that it was not trained on.
class CalibratedModel : public ::testing::Test {
 protected:
  CalibratedModel() {
    testing::write_songs(directory_.path(), {"one", "two", "three"});
    testing::write_small_model(path());
    config_.data.window.window_seconds = 0.5;
    config_.data.shards = directory_.path().string();
  }
  std::string path() const { return (directory_ / "m.safetensors").string(); }
  MeasuredModel open(CalibrationUse use = CalibrationUse::read) const {
    return open_measured_model(config_, path(), use);
  }

  const testing::TemporaryDirectory directory_;
  RunConfig config_;
};

TEST_F(CalibratedModel, TruePairsAreThoseOfAccuracyAndMismatchedOnesJoinSongs) {
  const MeasuredModel measured = open();
  const Calibration calibration = calibrate(measured, config_);
  EXPECT_EQ(calibration.num_songs, 3);
  EXPECT_EQ(calibration.num_windows, 9);
  EXPECT_EQ(calibration.both.true_pairs.count, 9);
  EXPECT_EQ(calibration.both.mismatched.count, 9 * 6);
  PairReader reader(measured.model.features.shape(8000), 1, [&] {
    return make_pair_source(SourceKind::stems, *measured.shards, measured.model.features, 0.0,
                            config_.evaluation.seed);
  });
  const Batch batch =
      reader.read(std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}, kEvaluationEpoch);
  for (const ScoreMode& mode : score_modes(measured.model)) {
    const at::Tensor scores =
        score_features(measured.model, batch.anchors, batch.positives, mode.hidden);
    const auto modes = modes_of(calibration);
    const auto found = std::ranges::find_if(
        modes, [&](const auto& named) { return std::string(named.first) == mode.name; });
    ASSERT_NE(found, modes.end());
    const std::vector<double>& quantiles = found->second->true_pairs.quantiles;
    const double highest = scores.max().item<double>(), lowest = scores.min().item<double>();
    EXPECT_NEAR(quantiles.back(), highest, 1e-5 * std::abs(highest));
    EXPECT_NEAR(quantiles.front(), lowest, 1e-5 * std::abs(highest));
  }
}

TEST_F(CalibratedModel, ThreadsChangeNoBit) {
  const MeasuredModel measured = open();
  const OperationThreads two(2);
  const Calibration of_two = calibrate(measured, config_);
  const OperationThreads one(1);
  EXPECT_EQ(calibrate(measured, config_), of_two);
}

TEST_F(CalibratedModel, TheFileKeepsItAndTheModelStaysTheSame) {
  const MeasuredModel before = open();
  EXPECT_FALSE(before.model.calibration.has_value());
  const SafetensorsFile plain = read_safetensors(path());
  const Calibration calibration = calibrate(before, config_);
  store_calibration(path(), calibration);
  const MeasuredModel after = open();
  EXPECT_EQ(after.model.calibration, calibration);
  EXPECT_EQ(after.model.digest, before.model.digest);
  SafetensorsFile stored = read_safetensors(path());
  ASSERT_EQ(stored.tensors.size(), plain.tensors.size());
  for (size_t i = 0; i < plain.tensors.size(); ++i) {
    EXPECT_EQ(stored.tensors[i].first, plain.tensors[i].first);
    EXPECT_TRUE(stored.tensors[i].second.equal(plain.tensors[i].second));
  }
  EXPECT_EQ(stored.metadata.erase("calibration"), 1u);
  stored.metadata.erase(kSafetensorsDigestKey);
  SafetensorsFile expected = plain;
  expected.metadata.erase(kSafetensorsDigestKey);
  EXPECT_EQ(stored.metadata, expected.metadata);

  Calibration other = calibration;
  other.seed = 99;
  store_calibration(path(), other);
  EXPECT_EQ(open().model.calibration->seed, 99u);
}

TEST_F(CalibratedModel, OneOfOtherWeightsOrDamagedIsRefusedUnlessItIsReplaced) {
  ModelCard card = testing::small_card();
  card.calibration = calibration_to_json(some_calibration());
  testing::write_model(path(), card, 2);
  EXPECT_THAT(refusal([&] { open(); }),
              AllOf(HasSubstr("m.safetensors"), HasSubstr("'calibration'"),
                    HasSubstr("'model_digest'"), HasSubstr("calibrate again")));
  card.calibration = "{}";
  testing::write_model(path(), card, 2);
  EXPECT_THAT(refusal([&] { open(); }), AllOf(HasSubstr("m.safetensors"), HasSubstr("'both'")));
  const Calibration calibration = calibrate(open(CalibrationUse::ignore), config_);
  store_calibration(path(), calibration);
  EXPECT_EQ(open().model.calibration, calibration);
}

TEST_F(CalibratedModel, AnotherModelInItsPlaceIsNotGivenIt) {
  const Calibration calibration = calibrate(open(), config_);
  ModelCard card = testing::small_card();
  card.step = 78;
  testing::write_model(path(), card, 2);
  EXPECT_THAT(refusal([&] { store_calibration(path(), calibration); }),
              HasSubstr("replaced by another model"));
  EXPECT_FALSE(open().model.calibration.has_value());
}

TEST_F(CalibratedModel, OneSongAndOtherFeaturesAreRefused) {
  testing::write_songs(directory_.path(), {"one"});
  EXPECT_THAT(refusal([&] { calibrate(open(), config_); }), HasSubstr("of one song"));
  config_.features.hop_samples = 320;
  EXPECT_THAT(refusal([&] { open(); }), HasSubstr("trained on features"));
}

TEST_F(CalibratedModel, ModelsWithOneChannelHaveOneMode) {
  testing::write_small_model(path(), FeatureKind::mel);
  config_.features.kind = FeatureKind::mel;
  const Calibration calibration = calibrate(open(), config_);
  EXPECT_FALSE(calibration.harmonic.has_value());
  EXPECT_EQ(modes_of(calibration).size(), 1u);
  store_calibration(path(), calibration);
  EXPECT_EQ(open().model.calibration, calibration);
}

}  // namespace
}  // namespace cocola
