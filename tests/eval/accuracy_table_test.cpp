#include "eval/accuracy_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/small_model.h"
#include "eval/small_songs.h"
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

std::vector<double> values_of(const std::vector<AccuracyRow>& table) {
  std::vector<double> values;
  for (const AccuracyRow& row : table) values.push_back(row.accuracy.value);
  return values;
}

TEST(AccuracyTable, AnUntrainedNetworkTellsWindowsApart) {
  const AccuracyTables tables = measure({"one", "two", "three", "four", "five"}, small_config());
  ASSERT_EQ(tables.untrained.size(), 2u);
  for (const AccuracyRow& row : tables.untrained) {
    // All embeddings alike would tie everywhere: exactly 1 / K for every song.
    EXPECT_NE(row.accuracy.value, 1.0 / static_cast<double>(row.k));
    ASSERT_TRUE(row.accuracy.interval.has_value());
    EXPECT_GT(row.accuracy.interval->high - row.accuracy.interval->low, 0.01) << row.k;
  }
  EXPECT_EQ(tables.trained.size(), 2u);
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
  EXPECT_FALSE(tables.trained[0].accuracy.interval.has_value());
}

TEST(AccuracyTable, TheSeedOfTrainingChangesNothing) {
  const std::vector<std::string> songs = {"one", "two", "three"};
  RunConfig config = small_config();
  const AccuracyTables first = measure(songs, config);
  config.training.seed = 99;
  const AccuracyTables same = measure(songs, config);
  EXPECT_EQ(values_of(same.trained), values_of(first.trained));
  EXPECT_EQ(values_of(same.untrained), values_of(first.untrained));
  EXPECT_EQ(same.trained[0].accuracy.interval->low, first.trained[0].accuracy.interval->low);
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

}  // namespace
}  // namespace cocola
