#include "training/trainer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "comm/communicator.h"
#include "support/temporary_directory.h"
#include "training/synthetic.h"
#include "training/validation.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

ModelCard small_card() {
  ModelCard card;
  card.model = testing::small_model_config();
  card.feature_kind = "hps";
  card.feature_fingerprint = "0123456789abcdef";
  card.feature_settings = "{}";
  return card;
}

TrainingEnd train_in(const fs::path& directory, const TrainingConfig& config,
                     const TrainingData& data = testing::synthetic_data(48, 16)) {
  CocolaModel model(testing::small_model_config(), 2, config.seed);
  const auto world = open_solo_world();
  return train(model, data, config, small_card(), directory, "run", *world, *world);
}

std::string bytes_of(const fs::path& path) { return read_file(path, 1 << 28); }

std::vector<Json> log_of(const fs::path& directory, const std::string& kind) {
  std::ifstream file(directory / "log.jsonl");
  std::vector<Json> rows;
  for (std::string line; std::getline(file, line);) {
    Json row = Json::parse(line);
    if (row["kind"] == kind) rows.push_back(std::move(row));
  }
  return rows;
}

TEST(Trainer, LearnsToTellWindowsApart) {
  const testing::TemporaryDirectory dir;
  TrainingConfig config = testing::small_training_config();
  config.epochs = 10;
  config.augment.mask_probability = 0;
  config.pairs_per_group = 8;
  EXPECT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  const auto rows = log_of(dir.path(), "train");
  ASSERT_EQ(rows.size(), 60u);
  const auto mean_loss = [&](size_t first) {
    double sum = 0;
    for (size_t i = first; i < first + 10; ++i) sum += rows[i]["loss"].get<double>();
    return sum / 10;
  };
  EXPECT_LT(mean_loss(50), 0.7 * mean_loss(0));
  const auto valid = log_of(dir.path(), "valid");
  ASSERT_EQ(valid.size(), 10u);
  EXPECT_GT(valid.back()["accuracy"].get<double>(), 3.0 / 8);
  EXPECT_TRUE(fs::exists(dir / "model.safetensors"));
}

TEST(Trainer, AResumedRunEndsWithTheBytesOfAnUninterruptedOne) {
  const testing::TemporaryDirectory whole, resumed;
  TrainingConfig config = testing::small_training_config();
  config.checkpoint.every_steps = 1;
  ASSERT_EQ(train_in(whole.path(), config), TrainingEnd::finished);

  // The run is cut after 4 of its 12 steps by removing what came later.
  config.checkpoint.keep = 100;
  ASSERT_EQ(train_in(resumed.path(), config), TrainingEnd::finished);
  for (int step = 5; step <= 12; ++step) {
    fs::remove(resumed / fmt::format("checkpoints/step_{:08}.safetensors", step));
  }
  fs::remove(resumed / "model.safetensors");
  ASSERT_EQ(train_in(resumed.path(), config), TrainingEnd::finished);

  EXPECT_EQ(bytes_of(whole / "model.safetensors"), bytes_of(resumed / "model.safetensors"));
  const auto steps = log_of(resumed.path(), "train");
  ASSERT_EQ(steps.size(), 12u);
  for (size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i]["step"], i + 1);
}

TEST(Trainer, AFinishedRunDoesNothingTheSecondTime) {
  const testing::TemporaryDirectory dir;
  const TrainingConfig config = testing::small_training_config();
  ASSERT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  const auto written = fs::last_write_time(dir / "model.safetensors");
  EXPECT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  EXPECT_EQ(fs::last_write_time(dir / "model.safetensors"), written);
}

TEST(Trainer, TheTimeLimitEndsTheRunAsIfAllStepsWereDone) {
  const testing::TemporaryDirectory dir;
  TrainingConfig config = testing::small_training_config();
  config.max_minutes = 1e-9;
  EXPECT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  EXPECT_LT(log_of(dir.path(), "train").size(), 12u);
  EXPECT_TRUE(fs::exists(dir / "model.safetensors"));
}

TEST(Trainer, MorePairsThanWindowsAreRefused) {
  const testing::TemporaryDirectory dir;
  EXPECT_THROW(
      train_in(dir.path(), testing::small_training_config(), testing::synthetic_data(7, 0)), Error);
}

TEST(Validation, PerfectEmbeddingsReadOneAndEqualOnesChance) {
  ModelConfig config = testing::small_model_config();
  config.similarity = SimilarityKind::cosine;
  const CocolaModel model(config, 2, 1);
  const at::Tensor eye = at::eye(16);
  EXPECT_NEAR(validate({eye, eye}, model, 8).accuracy, 1.0, 1e-12);
  const at::Tensor ones = at::ones({16, 16}) / 4;
  const ValidationReport chance = validate({ones, ones}, model, 8);
  EXPECT_NEAR(chance.accuracy, 1.0 / 8, 1e-12);
  EXPECT_NEAR(chance.loss, std::log(8.0), 1e-6);
}

TEST(Validation, EmbedsTheWindowsInTheOrderAsked) {
  const CocolaModel model(testing::small_model_config(), 2, 1);
  PairReader reader(testing::kSmallShape, 2,
                    [] { return std::make_unique<testing::SyntheticSource>(); });
  const auto world = open_solo_world();
  std::vector<int64_t> windows(40);
  for (size_t i = 0; i < windows.size(); ++i) windows[i] = static_cast<int64_t>(i);
  const auto all = embed_windows(model, reader, windows, Precision::fp32, *world);
  const auto one = embed_windows(model, reader, std::vector<int64_t>{35}, Precision::fp32, *world);
  EXPECT_TRUE(at::allclose(all.positives[35], one.positives[0], 1e-4, 1e-5));
}

}  // namespace
}  // namespace cocola
