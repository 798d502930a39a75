#include "training/trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/process.h"
#include "comm/communicator.h"
#include "model/safetensors.h"
#include "support/temporary_directory.h"
#include "training/log_rows.h"
#include "training/run_lock.h"
#include "training/runs.h"
#include "training/validation.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

using testing::bytes_of;
using testing::log_of;
using testing::small_card;
using testing::train_in;

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

TEST(Trainer, TheLogDescribesTheSimilaritiesAndTheRealLearningRate) {
  const testing::TemporaryDirectory dir;
  TrainingConfig config = testing::small_training_config();
  config.learning_rate_scaling = LearningRateScaling::sqrt;
  config.epochs = 1;
  train_in(dir.path(), config);
  const double most = std::log(static_cast<double>(config.pairs_per_step));
  for (const Json& row : log_of(dir.path(), "train")) {
    EXPECT_DOUBLE_EQ(row["learning_rate"].get<double>(), config.full_learning_rate());
    EXPECT_LT(row["mean_similarity"].get<double>(), row["max_similarity"].get<double>());
    EXPECT_GT(row["softmax_entropy"].get<double>(), 0.0);
    EXPECT_LT(row["softmax_entropy"].get<double>(), most);
  }
}

// Asks the process to stop as pair number `pair` of all its copies is made.
class StoppingSource : public testing::SyntheticSource {
 public:
  StoppingSource(std::shared_ptr<std::atomic<int64_t>> made, int64_t pair)
      : made_(std::move(made)), pair_(pair) {}
  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    SyntheticSource::make_pair(window, epoch, anchor, positive);
    if (++*made_ == pair_) raise(SIGUSR1);
  }

 private:
  std::shared_ptr<std::atomic<int64_t>> made_;
  int64_t pair_;
};

std::function<std::unique_ptr<PairSource>()> stopping_at(int64_t pair) {
  return [pair, made = std::make_shared<std::atomic<int64_t>>(0)] {
    return std::make_unique<StoppingSource>(made, pair);
  };
}

class StoppedRun : public ::testing::Test {
 protected:
  StoppedRun() {
    install_stop_signals();
    config_.epochs = 1;                // 6 steps
    config_.validate_every_steps = 1;  // a stop after any step is one on a validation step
    config_.loader.read_ahead = 1;
    config_.augment.mask_probability = 0.5;
  }
  ~StoppedRun() override { clear_stop_request(); }

  TrainingEnd train_here(const TrainingData& data) {
    clear_stop_request();
    return train_in(stopped_.path(), config_, data);
  }

  // Trains another run in one go; both must leave the same.
  void expect_equal_to_one_never_stopped() {
    clear_stop_request();
    const testing::TemporaryDirectory whole;
    ASSERT_EQ(train_in(whole.path(), config_), TrainingEnd::finished);
    EXPECT_EQ(bytes_of(whole / "model.safetensors"), bytes_of(stopped_ / "model.safetensors"));
    const char* const last = "checkpoints/step_00000006.safetensors";
    const SafetensorsFile expected = read_safetensors(whole / last);
    const SafetensorsFile found = read_safetensors(stopped_ / last);
    ASSERT_EQ(found.tensors.size(), expected.tensors.size());
    for (const auto& [name, tensor] : expected.tensors) {
      EXPECT_TRUE(at::equal(found.get(name), tensor)) << name;
    }
    for (const char* kind : {"train", "valid"}) {
      const auto rows = log_of(whole.path(), kind), ours = log_of(stopped_.path(), kind);
      ASSERT_EQ(rows.size(), 6u) << kind;
      ASSERT_EQ(ours.size(), 6u) << kind;
      for (size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(ours[i]["step"], i + 1) << kind;
        EXPECT_EQ(ours[i]["loss"], rows[i]["loss"]) << kind;
      }
    }
  }

  TrainingConfig config_ = testing::small_training_config();
  const testing::TemporaryDirectory stopped_;
};

// A signal comes with the batch after the first of each leg and those that its validation reads, so
// that a leg is one or two steps long and may end within a validation.
TEST_F(StoppedRun, StoppedAfterEveryFewStepsLeavesWhatAnUninterruptedOneLeaves) {
  for (const int64_t recomputed_steps : {0, 2}) {
    fs::remove_all(stopped_.path());
    config_.recompute_statistics = recomputed_steps;
    TrainingData data = testing::synthetic_data(48, 16);
    int64_t num_legs = 0;
    do {
      ASSERT_LE(++num_legs, 30);
      data.make_train_source = stopping_at(config_.pairs_per_step * (1 + recomputed_steps) + 1);
    } while (train_here(data) == TrainingEnd::stopped);
    EXPECT_GT(num_legs, 2);
    expect_equal_to_one_never_stopped();
  }
}

TEST_F(StoppedRun, AStopDuringAValidationLosesNothing) {
  config_.checkpoint.every_steps = 100;
  config_.validate_every_steps = 3;
  TrainingData data = testing::synthetic_data(48, 40);  // two parts, with a question between them
  data.make_valid_source = stopping_at(1);
  EXPECT_EQ(train_here(data), TrainingEnd::stopped);
  EXPECT_TRUE(fs::exists(stopped_ / "checkpoints/step_00000003.safetensors"));
  EXPECT_TRUE(log_of(stopped_.path(), "valid").empty());

  data.make_valid_source = data.make_train_source;
  const testing::TemporaryDirectory whole;
  ASSERT_EQ(train_here(data), TrainingEnd::finished);
  ASSERT_EQ(train_in(whole.path(), config_, data), TrainingEnd::finished);
  EXPECT_EQ(bytes_of(whole / "model.safetensors"), bytes_of(stopped_ / "model.safetensors"));
  const auto validations = log_of(stopped_.path(), "valid");
  ASSERT_EQ(validations.size(), 2u);
  EXPECT_EQ(validations[0]["step"], 3);
  EXPECT_EQ(validations[1]["step"], 6);
}

TEST_F(StoppedRun, AStopWhileTheDataIsLateIsAnsweredBeforeTheStep) {
  class LateSource : public testing::SyntheticSource {
   public:
    void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                   std::span<float> positive) override {
      raise(SIGUSR1);
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      SyntheticSource::make_pair(window, epoch, anchor, positive);
    }
  };
  TrainingData data = testing::synthetic_data(48, 16);
  data.make_train_source = [] { return std::make_unique<LateSource>(); };
  EXPECT_EQ(train_here(data), TrainingEnd::stopped);
  EXPECT_TRUE(fs::exists(stopped_ / "checkpoints/step_00000000.safetensors"));
  EXPECT_TRUE(log_of(stopped_.path(), "train").empty());
}

// Every file of a run but the lock.
std::map<fs::path, std::string> files_of(const fs::path& directory) {
  std::map<fs::path, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file() && entry.path().filename() != "lock") {
      files[entry.path()] = bytes_of(entry.path());
    }
  }
  return files;
}

TEST(Trainer, AFinishedRunChangesNothingTheSecondTime) {
  const testing::TemporaryDirectory dir;
  TrainingConfig config = testing::small_training_config();
  config.max_steps = 2;
  ASSERT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  const auto written = files_of(dir.path());
  EXPECT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  EXPECT_EQ(files_of(dir.path()), written);
}

TEST(Trainer, AModelOfAnEarlierStepThanTheCheckpointIsWrittenAnew) {
  const testing::TemporaryDirectory dir;
  TrainingConfig config = testing::small_training_config();
  const fs::path model = dir / "model.safetensors";
  config.max_steps = 2;
  ASSERT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  const std::string early = bytes_of(model);
  config.max_steps = 4;
  ASSERT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  const std::string late = bytes_of(model);
  ASSERT_NE(early, late);
  // As if the longer run had been killed after its last checkpoint.
  for (const std::string& left : {early, late.substr(0, 1000)}) {
    write_file_atomically(model, left);
    EXPECT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
    EXPECT_EQ(bytes_of(model), late);
  }
  EXPECT_EQ(log_of(dir.path(), "train").size(), 4u);
  EXPECT_EQ(log_of(dir.path(), "valid").size(), 1u);
}

TEST(Trainer, ALongerRunEqualsOneThatWasLongFromTheStart) {
  const testing::TemporaryDirectory extended, whole;
  TrainingConfig config = testing::small_training_config();
  config.max_steps = 2;
  ASSERT_EQ(train_in(extended.path(), config), TrainingEnd::finished);
  config.max_steps = 4;
  ASSERT_EQ(train_in(extended.path(), config), TrainingEnd::finished);
  ASSERT_EQ(train_in(whole.path(), config), TrainingEnd::finished);
  const char* const last = "checkpoints/step_00000004.safetensors";
  for (const auto& [name, tensor] : read_safetensors(whole / last).tensors) {
    EXPECT_TRUE(at::equal(read_safetensors(extended / last).get(name), tensor)) << name;
  }
}

TEST(Trainer, ARefusedRunLeavesTheFilesOfTheOtherOne) {
  const testing::TemporaryDirectory dir;
  TrainingConfig config = testing::small_training_config();
  config.max_steps = 2;
  ASSERT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  EXPECT_EQ(bytes_of(dir / "config.yaml"), "experiment: run\n");
  const auto written = files_of(dir.path());
  CocolaModel model(testing::small_model_config(), 2, 1);
  const auto world = open_solo_world();
  const auto train_as = [&](const std::string& fingerprint) {
    return train(model, testing::synthetic_data(48, 16), config, small_card(),
                 {dir.path(), fingerprint, "experiment: other\n"}, *world, *world);
  };
  EXPECT_THROW(train_as("other"), UsageError);
  EXPECT_EQ(files_of(dir.path()), written);
  const RunLock held(dir.path());
  EXPECT_THROW(train_as("run"), Error);
}

TEST(Trainer, TheTimeLimitEndsTheRunAsIfAllStepsWereDone) {
  const testing::TemporaryDirectory dir;
  TrainingConfig config = testing::small_training_config();
  config.max_minutes = 1e-9;
  EXPECT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  EXPECT_EQ(log_of(dir.path(), "train").size(), 2u);
  ASSERT_TRUE(fs::exists(dir / "model.safetensors"));
  // Killed before the export, the run has no time left for a step.
  fs::remove(dir / "model.safetensors");
  EXPECT_EQ(train_in(dir.path(), config), TrainingEnd::finished);
  EXPECT_EQ(log_of(dir.path(), "train").size(), 2u);
  EXPECT_TRUE(fs::exists(dir / "model.safetensors"));
}

TEST(Trainer, MorePairsThanWindowsAreRefused) {
  const testing::TemporaryDirectory dir;
  EXPECT_THROW(
      train_in(dir.path(), testing::small_training_config(), testing::synthetic_data(7, 0)), Error);
}

TEST(Trainer, ValidationWithMasksSaysSoAndChangesTheFiguresAlone) {
  const testing::TemporaryDirectory plain, masked;
  TrainingConfig config = testing::small_training_config();
  config.max_steps = 2;
  ASSERT_EQ(train_in(plain.path(), config), TrainingEnd::finished);
  config.validation_masks = ValidationMasks::as_training;
  ASSERT_EQ(train_in(masked.path(), config), TrainingEnd::finished);
  const Json without = log_of(plain.path(), "valid").at(0);
  const Json with = log_of(masked.path(), "valid").at(0);
  EXPECT_EQ(without["mask_probability"], 0.0);
  EXPECT_FALSE(without.contains("note"));
  EXPECT_EQ(with["mask_probability"], config.augment.mask_probability);
  EXPECT_EQ(with["note"], "channel masks as in training: probability 0.667, same in both views");
  EXPECT_NE(with["loss"], without["loss"]);
  const auto weights = [](const testing::TemporaryDirectory& dir) {
    return read_safetensors(dir / "checkpoints/step_00000002.safetensors");
  };
  for (const auto& [name, tensor] : weights(plain).tensors) {
    EXPECT_TRUE(at::equal(weights(masked).get(name), tensor)) << name;
  }
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
