#include "eval/accuracy_table.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "eval/small_model.h"
#include "eval/small_songs.h"
#include "shards/example_shard.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

RunConfig small_config() {
  RunConfig config;
  config.data.window.window_seconds = 0.5;
  config.evaluation.k = {2, 4};
  return config;
}

AccuracyTables measure(const std::vector<std::string>& songs, const RunConfig& config) {
  const testing::TemporaryDirectory directory;
  testing::write_songs(directory.path(), songs);
  CocolaModel model(testing::small_card().model, 2, 1);
  testing::fill_with_golden_weights(model, 1);
  return measure_accuracy(model, ShardSet(directory.path(), "test", true), config);
}

std::string refusal(const RunConfig& config) {
  try {
    measure({"one", "two"}, config);
  } catch (const Error& e) {
    return e.what();
  }
  return "measured";
}

std::vector<double> values_of(const SimilarityAccuracy& measured) {
  std::vector<double> values;
  for (const AccuracyRow& row : measured.rows) values.push_back(row.accuracy.value);
  return values;
}

TEST(AccuracyTable, AnUntrainedNetworkTellsWindowsApart) {
  const AccuracyTables tables = measure({"one", "two", "three", "four", "five"}, small_config());
  ASSERT_EQ(tables.untrained.rows.size(), 2u);
  for (const AccuracyRow& row : tables.untrained.rows) {
    // All embeddings alike would tie everywhere: exactly 1 / K for every song.
    EXPECT_NE(row.accuracy.value, 1.0 / static_cast<double>(row.k));
    ASSERT_TRUE(row.accuracy.interval.has_value());
    EXPECT_GT(row.accuracy.interval->high - row.accuracy.interval->low, 0.01) << row.k;
  }
  EXPECT_EQ(tables.trained.rows.size(), 2u);
  EXPECT_NE(values_of(tables.trained), values_of(tables.untrained));
}

TEST(AccuracyTable, SongsWithoutWindowsAreNotCounted) {
  const AccuracyTables tables = measure({"one", "silent", "two", "silent too"}, small_config());
  EXPECT_EQ(tables.num_songs, 2);
}

TEST(AccuracyTable, OneSongGivesNoInterval) {
  RunConfig config = small_config();
  config.evaluation.k = {2};
  const AccuracyTables tables = measure({"one"}, config);
  EXPECT_EQ(tables.num_songs, 1);
  EXPECT_FALSE(tables.trained.rows[0].accuracy.interval.has_value());
}

TEST(AccuracyTable, TheSeedOfTrainingChangesNothing) {
  const std::vector<std::string> songs = {"one", "two", "three"};
  RunConfig config = small_config();
  const AccuracyTables first = measure(songs, config);
  config.training.seed = 99;
  const AccuracyTables same = measure(songs, config);
  EXPECT_EQ(values_of(same.trained), values_of(first.trained));
  EXPECT_EQ(values_of(same.untrained), values_of(first.untrained));
  EXPECT_EQ(same.trained.rows[0].accuracy.interval->low,
            first.trained.rows[0].accuracy.interval->low);
  config.evaluation.seed = 99;
  EXPECT_NE(values_of(measure(songs, config).untrained), values_of(first.untrained));
}

TEST(AccuracyTable, MasksOfTrainingAreDrawnWhenAskedForByTheSeedOfTheEvaluation) {
  const std::vector<std::string> songs = {"one", "two", "three"};
  RunConfig config = small_config();
  const AccuracyTables plain = measure(songs, config);
  config.training.validation_masks = ValidationMasks::as_training;
  const AccuracyTables masked = measure(songs, config);
  EXPECT_NE(values_of(masked.trained), values_of(plain.trained));
  config.training.seed = 99;
  EXPECT_EQ(values_of(measure(songs, config).trained), values_of(masked.trained));
  config.training.augment.mask_probability = 0;
  EXPECT_EQ(values_of(measure(songs, config).trained), values_of(plain.trained));
}

TEST(AccuracyTable, ShardsOfOtherWindowsOrRatesAreRefusedWithFileAndKey) {
  RunConfig config = small_config();
  config.data.window.window_seconds = 1.0;
  EXPECT_THAT(refusal(config), AllOf(HasSubstr("test.h5"), HasSubstr("data.window_seconds was 0.5"),
                                     HasSubstr("1 is asked for"), HasSubstr("rebuild")));
  config = small_config();
  config.features.sample_rate_hz = config.data.sample_rate_hz = 22050;
  EXPECT_THAT(refusal(config), AllOf(HasSubstr("test.h5"), HasSubstr("data.sample_rate_hz")));
  config = small_config();
  config.evaluation.k = {2, 7};
  EXPECT_THAT(refusal(config), AllOf(HasSubstr("evaluation.k 7"), HasSubstr("the 6 windows")));
}

TEST(AccuracyTable, ADataSetReadsAsIfItWereMeasuredAlone) {
  const std::vector<std::string> first = {"x/one", "x/two", "x/three"};
  std::vector<std::string> both = first;
  both.insert(both.end(), {"y/four", "y/five"});
  const AccuracyTables alone = measure(first, small_config()),
                       among = measure(both, small_config());
  ASSERT_EQ(among.datasets.size(), 2u);
  EXPECT_EQ(values_of(among.datasets.at("x")), values_of(alone.trained));
  EXPECT_EQ(among.datasets.at("x").num_songs(), 3);
  EXPECT_EQ(among.datasets.at("y").num_songs(), 2);
}

TEST(AccuracyTable, ADataSetOfFewWindowsLacksTheLargerK) {
  RunConfig config = small_config();
  const AccuracyTables tables = measure({"x/one", "y/two"}, config);  // three windows each
  EXPECT_EQ(values_of(tables.trained).size(), 2u);
  EXPECT_EQ(values_of(tables.datasets.at("y")).size(), 1u);
}

// Sub-mixes of two stems hold one each, so every window counts once.
TEST(AccuracyTable, InstrumentsOfTwoStemsShareTheWindows) {
  const AccuracyTables tables = measure({"one", "two", "three", "four", "five"}, small_config());
  ASSERT_EQ(tables.instruments.size(), 2u);
  const InstrumentRow& up = tables.instruments.at({"low", "high"});
  const InstrumentRow& down = tables.instruments.at({"high", "low"});
  EXPECT_EQ(up.num_windows + down.num_windows, 15);
  const double sum = up.accuracy.value * static_cast<double>(up.num_windows) +
                     down.accuracy.value * static_cast<double>(down.num_windows);
  EXPECT_NEAR(sum / 15, tables.trained.at(2), 1e-12);
}

TEST(AccuracyTable, BaselinesAreOfTheSameWindowsAndOfNoNetwork) {
  const std::vector<std::string> songs = {"one", "two", "three"};
  RunConfig config = small_config();
  const AccuracyTables tables = measure(songs, config);
  for (const SimilarityAccuracy* baseline : {&tables.loudness, &tables.onsets}) {
    EXPECT_EQ(baseline->standings.size(), tables.trained.standings.size());
    EXPECT_EQ(baseline->songs, tables.trained.songs);
    EXPECT_NE(values_of(*baseline), values_of(tables.trained));
  }
  config.training.validation_masks = ValidationMasks::as_training;
  const AccuracyTables masked = measure(songs, config);
  EXPECT_EQ(values_of(masked.loudness), values_of(tables.loudness));
  EXPECT_EQ(values_of(masked.onsets), values_of(tables.onsets));
}

TEST(AccuracyTable, OneWindowIsNoChoice) {
  const testing::TemporaryDirectory directory;
  testing::ExampleShard shard;
  shard.split = "test";
  shard.windows.resize(1);
  write_manifest(directory.path(), {.settings = shard.settings,
                                    .config_yaml = "",
                                    .version = "test",
                                    .shards = {shard.write(directory / "test.h5")}});
  const CocolaModel model(testing::small_card().model, 2, 1);
  EXPECT_THAT(testing::error_of([&] {
                measure_accuracy(model, ShardSet(directory.path(), "test", true), small_config());
              }),
              HasSubstr("split test has one window"));
}

TEST(AccuracyTable, AnEmbeddingThatIsNotFiniteIsNamedByWindowAndTrack) {
  const testing::TemporaryDirectory directory;
  testing::write_songs(directory.path(), {"one", "two\x1b"});
  const ShardSet shards(directory.path(), "test", true);
  const WindowEmbeddings sound{at::zeros({6, 4}), at::zeros({6, 4})};
  EXPECT_NO_THROW(require_finite(sound, shards, "trained"));
  for (const float bad : {NAN, INFINITY}) {
    for (const bool in_anchors : {true, false}) {
      const WindowEmbeddings broken{sound.anchors.clone(), sound.positives.clone()};
      (in_anchors ? broken.anchors : broken.positives)[4][1] = bad;
      EXPECT_THAT(testing::error_of([&] { require_finite(broken, shards, "trained"); }),
                  AllOf(HasSubstr("window 4 of 6 (two?, from 0.5 s)"), HasSubstr("the trained")));
    }
  }
}

TEST(AccuracyTable, ANetworkThatOverflowsIsAnError) {
  const testing::TemporaryDirectory directory;
  testing::write_songs(directory.path(), {"one", "two"});
  CocolaModel model(testing::small_card().model, 2, 1);
  for (StateEntry& entry : model.state().entries()) {
    if (entry.role == StateRole::parameter) entry.tensor.detach().fill_(1e38);
  }
  EXPECT_THAT(testing::error_of([&] {
                measure_accuracy(model, ShardSet(directory.path(), "test", true), small_config());
              }),
              AllOf(HasSubstr("window 0 of 6 (one, from 0 s)"), HasSubstr("not finite")));
}

}  // namespace
}  // namespace cocola
