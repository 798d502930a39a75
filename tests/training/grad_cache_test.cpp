#include "training/grad_cache.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cmath>

#include "objective/contrastive_loss.h"
#include "training/synthetic.h"
#include "training/train_step.h"

namespace cocola {
namespace {

constexpr int64_t kPairs = 12;

TrainingConfig config_with(int64_t groups_in_memory) {
  TrainingConfig config = testing::small_training_config();
  config.pairs_per_step = kPairs;
  config.pairs_per_group = 2;
  config.groups_in_memory = groups_in_memory;
  return config;  // the model's dropout and drop-connect keep their defaults, which are not zero
}

struct Step {
  explicit Step(int64_t groups_in_memory, at::ScalarType type = at::kFloat)
      : Step(config_with(groups_in_memory), type) {}
  explicit Step(const TrainingConfig& config, at::ScalarType type = at::kFloat)
      : model(testing::small_model_config(), 2, 1) {
    model.to(type);
    flat.emplace(model.state());
    Batch batch = testing::synthetic_batch(0, kPairs);
    batch.anchors = batch.anchors.to(type);
    batch.positives = batch.positives.to(type);
    const auto solo = open_solo_world();
    report = compute_gradients(model, *flat, batch, config, {}, *solo);
  }
  CocolaModel model;
  std::optional<FlatParameters> flat;
  StepReport report;
};

TEST(GradCache, PiecesOfAnySizeGiveTheLossAndStatisticsOfTheWhole) {
  const Step whole(0);
  for (const int64_t groups : {1, 2, 4, 5, 6, 100}) {
    const Step pieces(groups);
    EXPECT_EQ(pieces.report.loss, whole.report.loss) << groups;
    EXPECT_EQ(pieces.report.accuracy, whole.report.accuracy) << groups;
    EXPECT_TRUE(at::equal(pieces.flat->statistics(), whole.flat->statistics())) << groups;
  }
}

TEST(GradCache, PiecesOfAnySizeGiveTheGradientOfTheWhole) {
  const Step whole(0, at::kDouble);
  const double scale = whole.flat->gradients().abs().max().item<double>();
  EXPECT_GT(scale, 0.0);
  for (const int64_t groups : {1, 2, 4, 5}) {
    const Step pieces(groups, at::kDouble);
    const at::Tensor difference = pieces.flat->gradients() - whole.flat->gradients();
    EXPECT_LE(difference.abs().max().item<double>(), 1e-12 * scale) << groups;
  }
}

// A large step on a small machine: the pairs are small, so that the whole fits into memory as well.
TEST(GradCache, FourThousandPairsTrainWithSixteenInMemory) {
  TrainingConfig config = testing::small_training_config();
  config.pairs_per_step = 4096;
  config.pairs_per_group = 16;
  ModelConfig network = testing::small_model_config();
  network.width = 0.1;
  Batch batch;
  batch.anchors = at::empty({4096, 2, 32, 32}, at::kDouble);
  for (int64_t i = 0; i < 4096; ++i) {
    batch.window_ids.push_back(i);
    batch.anchors[i].fill_(std::sin(static_cast<double>(i)) * 20 - 40);
  }
  const at::Tensor noise = at::arange(batch.anchors.numel(), at::kDouble).mul_(0.7).sin_();
  batch.anchors.add_(noise.view_as(batch.anchors), 5);
  batch.positives = batch.anchors + noise.cos_().view_as(batch.anchors);

  const auto solo = open_solo_world();
  const auto gradients_with = [&](int64_t groups_in_memory) {
    config.groups_in_memory = groups_in_memory;
    CocolaModel model(network, 2, 1);
    model.to(at::kDouble);
    FlatParameters flat(model.state());
    const StepReport report = compute_gradients(model, flat, batch, config, {}, *solo);
    EXPECT_GT(report.gradient_norm, 0.0);
    return flat.gradients().clone();
  };
  const at::Tensor whole = gradients_with(0), pieces = gradients_with(1);
  EXPECT_LE((whole - pieces).norm().item<double>(), 1e-6 * whole.norm().item<double>());
}

// Otherwise a second look at a window would see another network.
TEST(GradCache, DropoutIsOnWhereThisIsTested) {
  const ModelConfig model = testing::small_model_config();
  EXPECT_GT(model.dropout, 0.0);
  EXPECT_GT(model.drop_connect, 0.0);
}

TEST(GradCache, KeepsTheGraphOfOnePieceAtMost) {
  CocolaModel model(testing::small_model_config(), 2, 1);
  FlatParameters flat(model.state());
  const StepInputs inputs = step_inputs(model, testing::synthetic_batch(0, kPairs), config_with(0));
  const auto kept_pairs = [&](int64_t groups_in_memory, Reproducibility reproducible) {
    TrainingConfig config = config_with(groups_in_memory);
    config.reproducible = reproducible;
    return StepEmbeddings(model, flat, inputs, config).num_kept();
  };
  for (const auto reproducible : {Reproducibility::fast, Reproducibility::invariant}) {
    EXPECT_EQ(kept_pairs(0, reproducible), kPairs);
    EXPECT_EQ(kept_pairs(2, reproducible), 4);
    EXPECT_EQ(kept_pairs(100, reproducible), kPairs);
  }
  const at::NoGradGuard no_grad;
  EXPECT_EQ(kept_pairs(0, Reproducibility::fast), 0);
}

TEST(GradCache, InvariantGradientsHaveTheSameBitsInPiecesOfAnySize) {
  const auto step = [](int64_t groups_in_memory) {
    TrainingConfig config = config_with(groups_in_memory);
    config.pairs_per_group = 3;  // four groups
    config.reproducible = Reproducibility::invariant;
    return Step(config);
  };
  const Step whole = step(0);
  EXPECT_GT(whole.flat->gradients().abs().max().item<double>(), 0.0);
  for (const int64_t groups : {1, 2, 3}) {
    const Step pieces = step(groups);
    EXPECT_EQ(pieces.report.loss, whole.report.loss) << groups;
    EXPECT_TRUE(at::equal(pieces.flat->reduced(), whole.flat->reduced())) << groups;
  }
}

TEST(GradCache, InvariantGradientsAreThoseOfTheFastOnesToRounding) {
  TrainingConfig config = config_with(0);
  config.pairs_per_group = 3;
  const Step fast(config, at::kDouble);
  config.reproducible = Reproducibility::invariant;
  const Step invariant(config, at::kDouble);
  const double scale = fast.flat->gradients().abs().max().item<double>();
  const at::Tensor difference = fast.flat->reduced() - invariant.flat->reduced();
  EXPECT_LE(difference.abs().max().item<double>(), 1e-12 * scale);
}

}  // namespace
}  // namespace cocola
