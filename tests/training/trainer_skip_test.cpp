#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/safetensors.h"
#include "support/temporary_directory.h"
#include "training/log_rows.h"
#include "training/runs.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using testing::bytes_of;
using ::testing::HasSubstr;
using testing::log_of;
using testing::train_in;

// Two epochs of six steps: window 11 comes twice.
TrainingConfig skipping(int64_t at_most) {
  TrainingConfig config = testing::small_training_config();
  config.max_skipped_steps = at_most;
  config.checkpoint.every_steps = 1;
  return config;
}

TEST(SkippedSteps, AreCountedLoggedAndTheRestIsTrained) {
  const testing::TemporaryDirectory dir;
  ASSERT_EQ(train_in(dir.path(), skipping(2), testing::data_with_a_broken_window(11)),
            TrainingEnd::finished);
  const auto events = log_of(dir.path(), "event");
  ASSERT_EQ(events.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(events[i]["skipped_steps"], i + 1);
    EXPECT_THAT(events[i]["note"].get<std::string>(),
                HasSubstr("features that are not finite: window 11"));
    const auto skipped = log_of(dir.path(), "train").at(events[i]["step"].get<size_t>() - 1);
    EXPECT_EQ(skipped["step"], events[i]["step"]);
    EXPECT_TRUE(skipped["loss"].is_null());
  }
  EXPECT_EQ(log_of(dir.path(), "train").size(), 12u);
  EXPECT_NO_THROW(read_model_file(dir / "model.safetensors"));  // it refuses NaN
}

TEST(SkippedSteps, TooManyEndTheRunInWordsAndTheirNumberSurvivesAResumption) {
  const testing::TemporaryDirectory dir;
  const TrainingData data = testing::data_with_a_broken_window(11);
  int64_t second = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      train_in(dir.path(), skipping(1), data);
      FAIL() << "no error";
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr("is not finite"), HasSubstr("window 11"),
                                  HasSubstr("training.max_skipped_steps (1)")));
    }
    second = log_of(dir.path(), "train").back()["step"].get<int64_t>() + 1;
    EXPECT_GT(second, 6);
  }
  // Continued with more patience, it is the run that had it from the start.
  const testing::TemporaryDirectory whole;
  ASSERT_EQ(train_in(dir.path(), skipping(2), data), TrainingEnd::finished);
  ASSERT_EQ(train_in(whole.path(), skipping(2), data), TrainingEnd::finished);
  EXPECT_EQ(bytes_of(dir / "model.safetensors"), bytes_of(whole / "model.safetensors"));
}

TEST(SkippedSteps, AreRefusedUnlessAllowed) {
  const testing::TemporaryDirectory dir;
  EXPECT_THROW(train_in(dir.path(), testing::small_training_config(),
                        testing::data_with_a_broken_window(11)),
               Error);
}

}  // namespace
}  // namespace cocola
