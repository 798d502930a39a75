#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "model/safetensors.h"
#include "support/temporary_directory.h"
#include "training/checkpoint.h"
#include "training/log_rows.h"
#include "training/runs.h"

namespace cocola {
namespace {

using testing::bytes_of;
using testing::log_of;
using testing::train_in;
namespace fs = std::filesystem;

constexpr const char* kModel = "best.safetensors";
constexpr const char* kRecord = "checkpoints/best.safetensors";

// A rate so high that the accuracy goes up and down.
TrainingConfig restless_config() {
  TrainingConfig config = testing::small_training_config();
  config.epochs = 1;  // 6 steps
  config.learning_rate = 3e-2;
  config.validate_every_steps = 1;
  config.checkpoint = {.every_steps = 1, .keep = 1};
  return config;
}

struct Validated {
  int64_t step = 0;
  double accuracy = -1.0;
};

// The first of the most accurate validations in the log.
Validated best_of_log(const fs::path& directory) {
  Validated best;
  for (const Json& row : log_of(directory, "valid")) {
    const auto accuracy = row["accuracy"].get<double>();
    if (accuracy > best.accuracy) best = {row["step"].get<int64_t>(), accuracy};
  }
  return best;
}

TEST(BestModel, IsTheEarliestOfTheMostAccurateAndSaysSo) {
  const testing::TemporaryDirectory dir;
  const TrainingConfig config = restless_config();
  ASSERT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  const Validated best = best_of_log(dir.path());
  ASSERT_LT(best.step, 6) << "the test needs a run that is best before its end";
  const LoadedModel model = read_model_file(dir / kModel);
  EXPECT_EQ(model.card.step, best.step);
  EXPECT_EQ(model.card.valid_accuracy, best.accuracy);
  EXPECT_EQ(model.card.valid_candidates, config.pairs_per_step);
  const SafetensorsFile record = read_safetensors(dir / kRecord);
  EXPECT_EQ(record.metadata.at("step"), std::to_string(best.step));
  EXPECT_EQ(best_accuracy(dir / "checkpoints", "run"), best.accuracy);
  const auto last = log_of(dir.path(), "valid").back();
  EXPECT_EQ(read_model_file(dir / "model.safetensors").card.valid_accuracy, last["accuracy"]);
}

TEST(BestModel, IsTheModelThatTrainingToItsStepExports) {
  const testing::TemporaryDirectory whole, cut;
  TrainingConfig config = restless_config();
  ASSERT_EQ(train_in(whole.path(), config), TrainingEnd::finished);
  config.max_steps = best_of_log(whole.path()).step;
  ASSERT_EQ(train_in(cut.path(), config), TrainingEnd::finished);
  EXPECT_EQ(bytes_of(whole / kModel), bytes_of(cut / "model.safetensors"));
}

// As a kill at any moment leaves them: the checkpoint of a step, and best files of a later one.
TEST(BestModel, SurvivesResumptionsFromAnyStep) {
  const testing::TemporaryDirectory whole;
  TrainingConfig config = restless_config();
  config.checkpoint.keep = 100;
  ASSERT_EQ(train_in(whole.path(), config), TrainingEnd::finished);
  for (const int64_t step : {1, 3, 5}) {
    const testing::TemporaryDirectory cut;
    fs::copy(whole.path(), cut.path(), fs::copy_options::recursive);
    fs::remove(cut / "model.safetensors");
    for (int64_t later = step + 1; later <= 6; ++later) {
      fs::remove(cut / fmt::format("checkpoints/step_{:08}.safetensors", later));
    }
    ASSERT_EQ(train_in(cut.path(), config), TrainingEnd::finished);
    EXPECT_EQ(bytes_of(cut / kModel), bytes_of(whole / kModel)) << step;
    for (const auto& [name, tensor] : read_safetensors(whole / kRecord).tensors) {
      EXPECT_TRUE(at::equal(read_safetensors(cut / kRecord).get(name), tensor)) << name;
    }
  }
}

TEST(BestModel, IsMadeAgainWhenTheRunWasKilledBeforeItsRecord) {
  const testing::TemporaryDirectory whole, cut;
  TrainingConfig config = restless_config();
  ASSERT_EQ(train_in(whole.path(), config), TrainingEnd::finished);
  config.max_steps = 1;
  ASSERT_EQ(train_in(cut.path(), config), TrainingEnd::finished);
  std::ofstream(cut / kRecord) << "cut";
  std::ofstream(cut / kModel) << "cut";
  config.max_steps = 0;
  ASSERT_EQ(train_in(cut.path(), config), TrainingEnd::finished);
  EXPECT_EQ(bytes_of(cut / kModel), bytes_of(whole / kModel));
}

TEST(BestModel, NeedsAValidation) {
  const testing::TemporaryDirectory dir;
  ASSERT_EQ(train_in(dir.path(), restless_config(), testing::synthetic_data(48, 0)),
            TrainingEnd::finished);
  EXPECT_FALSE(fs::exists(dir / kModel));
  EXPECT_FALSE(fs::exists(dir / kRecord));
  EXPECT_EQ(read_model_file(dir / "model.safetensors").card.valid_candidates, 0);
}

}  // namespace
}  // namespace cocola
