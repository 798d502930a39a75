#include "training/training_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "support/usage_error.h"

namespace cocola {
namespace {

using ::cocola::testing::usage_error_of;
using ::testing::HasSubstr;

TEST(TrainingConfig, DefaultsAreValid) { EXPECT_NO_THROW(TrainingConfig().validate()); }

TEST(TrainingConfig, ValuesOutOfRangeAreRefusedWithKeyAndValue) {
  struct Case {
    const char* key;
    const char* value;
    std::function<void(TrainingConfig&)> spoil;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Case cases[] = {
      {"training.pairs_per_step", "1", [](auto& c) { c.pairs_per_step = 1; }},
      {"training.pairs_per_step", "65537", [](auto& c) { c.pairs_per_step = 65537; }},
      {"training.pairs_per_group", "0", [](auto& c) { c.pairs_per_group = 0; }},
      {"training.groups_in_memory", "-1", [](auto& c) { c.groups_in_memory = -1; }},
      {"training.pairs_per_group", "12", [](auto& c) { c.pairs_per_group = 12; }},
      {"training.epochs", "0", [](auto& c) { c.epochs = 0; }},
      {"training.max_steps", "-1", [](auto& c) { c.max_steps = -1; }},
      {"training.max_minutes", "nan", [nan](auto& c) { c.max_minutes = nan; }},
      {"training.learning_rate", "0", [](auto& c) { c.learning_rate = 0.0; }},
      {"training.learning_rate", "nan", [nan](auto& c) { c.learning_rate = nan; }},
      {"training.warmup_steps", "-3", [](auto& c) { c.warmup_steps = -3; }},
      {"training.recompute_statistics", "10001", [](auto& c) { c.recompute_statistics = 10001; }},
      {"training.validate_every_steps", "-1", [](auto& c) { c.validate_every_steps = -1; }},
      {"training.validation_windows", "1", [](auto& c) { c.validation_windows = 1; }},
      {"training.validation_windows", "32769", [](auto& c) { c.validation_windows = 32769; }},
      {"training.log_every_steps", "0", [](auto& c) { c.log_every_steps = 0; }},
      {"training.threads_per_rank", "-1", [](auto& c) { c.threads_per_rank = -1; }},
      {"training.max_skipped_steps", "-1", [](auto& c) { c.max_skipped_steps = -1; }},
      {"training.checkpoint.every_steps", "0", [](auto& c) { c.checkpoint.every_steps = 0; }},
      {"training.checkpoint.keep", "1001", [](auto& c) { c.checkpoint.keep = 1001; }},
  };
  for (const Case& wrong : cases) {
    TrainingConfig config;
    wrong.spoil(config);
    const std::string message = usage_error_of([&] { config.validate(); });
    EXPECT_THAT(message, HasSubstr(std::string("[") + wrong.key + "] " + wrong.value + " "));
  }
}

TEST(TrainingConfig, ARecordedStepIsRefusedInPieces) {
  TrainingConfig config;
  config.cuda_graph = true;
  EXPECT_NO_THROW(config.validate());
  config.groups_in_memory = 1;
  EXPECT_THAT(usage_error_of([&] { config.validate(); }),
              HasSubstr("[training.cuda_graph] a recorded step holds all pairs"));
}

TEST(TrainingConfig, InvariantRunsNeedAPowerOfTwoOfGroups) {
  TrainingConfig config;
  config.pairs_per_step = 96;
  config.pairs_per_group = 32;
  config.reproducible = Reproducibility::same_world;
  EXPECT_NO_THROW(config.validate());
  config.reproducible = Reproducibility::invariant;
  const std::string message = usage_error_of([&] { config.validate(); });
  EXPECT_THAT(message, HasSubstr("pairs_per_step 96 in groups of 32 are 3"));
  config.pairs_per_step = 128;
  EXPECT_NO_THROW(config.validate());
}

TEST(TrainingConfig, FeaturesThatAreReadAreNotMadeOnADevice) {
  TrainingConfig config;
  config.features_on = FeaturesOn::device;
  EXPECT_NO_THROW(config.validate());
  config.source = SourceKind::features;
  EXPECT_THAT(usage_error_of([&] { config.validate(); }),
              HasSubstr("set training.source to stems, or training.features_on to cpu"));
}

TEST(TrainingConfig, OneRankIsAlwaysAllowed) {
  TrainingConfig config;
  config.pairs_per_step = 96;
  config.pairs_per_group = 32;
  EXPECT_NO_THROW(config.validate_world(1));
  EXPECT_NO_THROW(config.validate_world(3));
}

TEST(TrainingConfig, AWorldThatCannotShareTheGroupsIsToldTheAllowedOnes) {
  TrainingConfig config;
  config.pairs_per_step = 384;
  config.pairs_per_group = 32;
  for (const int64_t wrong : {-1, 0, 5, 8, 24}) {
    EXPECT_THAT(usage_error_of([&] { config.validate_world(wrong); }),
                HasSubstr("allowed world sizes: 1, 2, 3, 4, 6, 12"))
        << wrong;
  }
}

TEST(LearningRate, StaysWithTheConstantSchedule) {
  TrainingConfig config;
  config.learning_rate = 0.25;
  for (const int64_t step : {0, 1, 99}) EXPECT_EQ(config.learning_rate_at(step, 100), 0.25);
}

TEST(LearningRate, GrowsWithTheRootOfTheStepWhenAsked) {
  TrainingConfig config;
  config.learning_rate = 5e-4;
  config.pairs_per_step = 512;
  EXPECT_EQ(config.full_learning_rate(), 5e-4);
  config.learning_rate_scaling = LearningRateScaling::sqrt;
  EXPECT_DOUBLE_EQ(config.full_learning_rate(), 2e-3);
  EXPECT_DOUBLE_EQ(config.learning_rate_at(7, 100), 2e-3);
  config.warmup_steps = 4;
  EXPECT_DOUBLE_EQ(config.learning_rate_at(1, 100), 1e-3);
  config.schedule = LearningRateSchedule::cosine;
  EXPECT_DOUBLE_EQ(config.learning_rate_at(99, 100), 2e-5);
  config.pairs_per_step = 32;
  EXPECT_DOUBLE_EQ(config.full_learning_rate(), 5e-4);
}

TEST(LearningRate, ScalingStopsAtItsLargestRate) {
  TrainingConfig config;
  config.learning_rate_scaling = LearningRateScaling::sqrt;
  for (const int64_t pairs : {512, 1024, 65536}) {
    config.pairs_per_step = pairs;
    EXPECT_DOUBLE_EQ(config.full_learning_rate(), 4e-3) << pairs;
  }
}

TEST(LearningRate, RisesLinearlyOverTheWarmUp) {
  TrainingConfig config;
  config.learning_rate = 0.8;
  config.warmup_steps = 4;
  EXPECT_DOUBLE_EQ(config.learning_rate_at(0, 100), 0.2);
  EXPECT_DOUBLE_EQ(config.learning_rate_at(1, 100), 0.4);
  EXPECT_DOUBLE_EQ(config.learning_rate_at(3, 100), 0.8);
  EXPECT_DOUBLE_EQ(config.learning_rate_at(4, 100), 0.8);
}

TEST(LearningRate, CosineFallsFromTheFullRateToOnePercentAtTheLastStep) {
  TrainingConfig config;
  config.learning_rate = 1e-2;
  config.schedule = LearningRateSchedule::cosine;
  config.warmup_steps = 10;
  EXPECT_DOUBLE_EQ(config.learning_rate_at(10, 111), 1e-2);
  EXPECT_DOUBLE_EQ(config.learning_rate_at(60, 111), 1e-2 * 0.505);
  EXPECT_DOUBLE_EQ(config.learning_rate_at(110, 111), 1e-4);
  for (int64_t step = 11; step < 111; ++step) {
    EXPECT_LT(config.learning_rate_at(step, 111), config.learning_rate_at(step - 1, 111)) << step;
  }
}

TEST(LearningRate, IsPositiveAndFiniteForTheShortestRuns) {
  TrainingConfig config;
  config.schedule = LearningRateSchedule::cosine;
  for (const int64_t warmup : {0, 1, 5}) {
    config.warmup_steps = warmup;
    for (const int64_t last : {1, 2, 3}) {
      for (int64_t step = 0; step < last; ++step) {
        const double rate = config.learning_rate_at(step, last);
        EXPECT_GT(rate, 0.0);
        EXPECT_LE(rate, config.learning_rate);
      }
    }
  }
}

}  // namespace
}  // namespace cocola
