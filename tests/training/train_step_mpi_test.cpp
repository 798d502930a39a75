#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "comm/communicator.h"
#include "comm/mpi_test_world.h"
#include "training/synthetic.h"
#include "training/train_step.h"

namespace cocola {
namespace {

constexpr int64_t kPairs = 8;

// This rank's slice of the step that one process would take whole.
Batch slice_of_step(int64_t rank, int64_t world_size) {
  const int64_t share = kPairs / world_size;
  return testing::synthetic_batch(rank * share, share);
}

TrainingConfig config_with_dropout_on() {
  TrainingConfig config = testing::small_training_config();
  config.pairs_per_step = kPairs;
  return config;  // the model's dropout and drop-connect keep their defaults, which are not zero
}

TEST(TrainStep, GradientsOfManyRanksEqualThoseOfOne) {
  Communicator& world = testing::test_world();
  const TrainingConfig config = config_with_dropout_on();
  CocolaModel model(testing::small_model_config(), 2, 1),
      whole_model(testing::small_model_config(), 2, 1);
  model.to(testing::test_device());
  whole_model.to(testing::test_device());
  FlatParameters flat(model.state()), whole(whole_model.state());

  const StepReport ours = compute_gradients(
      model, flat, slice_of_step(world.rank(), world.world_size()), config, {}, world);
  const auto solo = open_solo_world();
  const StepReport one =
      compute_gradients(whole_model, whole, slice_of_step(0, 1), config, {}, *solo);

  EXPECT_NEAR(ours.loss, one.loss, 1e-5 * one.loss);
  EXPECT_EQ(ours.accuracy, one.accuracy);
  const double scale = whole.gradients().abs().max().item<double>();
  EXPECT_GT(scale, 0.0);
  EXPECT_LE((flat.gradients() - whole.gradients()).abs().max().item<double>(), 1e-5 * scale);
  EXPECT_TRUE(at::allclose(flat.statistics(), whole.statistics(), 1e-5, 1e-6));
}

// The same steps by the world and by this rank alone; `compare` sees both after each one.
template <typename Compare>
void train_beside_one_rank(const TrainingConfig& config, int64_t num_steps,
                           const Compare& compare) {
  Communicator& world = testing::test_world();
  CocolaModel model(testing::small_model_config(), 2, 1),
      whole_model(testing::small_model_config(), 2, 1);
  model.to(testing::test_device());
  whole_model.to(testing::test_device());
  FlatParameters flat(model.state()), whole(whole_model.state());
  Adam adam(flat.values()), whole_adam(whole.values());
  const auto solo = open_solo_world();
  const int64_t share = kPairs / world.world_size();
  for (int64_t step = 0; step < num_steps; ++step) {
    const Batch mine = testing::synthetic_batch(step * kPairs + world.rank() * share, share);
    const Batch all = testing::synthetic_batch(step * kPairs, kPairs);
    const StepReport ours = train_step(model, flat, adam, mine, config, 1e-3, {}, world);
    const StepReport one = train_step(whole_model, whole, whole_adam, all, config, 1e-3, {}, *solo);
    SCOPED_TRACE(step);
    compare(ours, flat, one, whole);
  }
}

TEST(TrainStep, InvariantStepsOfManyRanksHaveTheBitsOfOne) {
  TrainingConfig config = config_with_dropout_on();  // four groups
  config.reproducible = Reproducibility::invariant;
  train_beside_one_rank(config, 5,
                        [](const StepReport& ours, FlatParameters& flat, const StepReport& one,
                           FlatParameters& whole) {
                          EXPECT_EQ(ours.loss, one.loss);
                          EXPECT_EQ(ours.gradient_norm, one.gradient_norm);
                          EXPECT_TRUE(at::equal(flat.reduced(), whole.reduced()));
                          EXPECT_TRUE(at::equal(flat.values(), whole.values()));
                          EXPECT_TRUE(at::equal(flat.running(), whole.running()));
                        });
}

TEST(TrainStep, TwentyStepsOfManyRanksFollowTheLossesOfOne) {
  train_beside_one_rank(
      config_with_dropout_on(), 20,
      [](const StepReport& ours, FlatParameters&, const StepReport& one, FlatParameters&) {
        // Rounding grows with the number of updates; 1e-5 is promised for the
        // default precision.
        EXPECT_NEAR(ours.loss, one.loss, 1e-5 * std::max(1.0, one.loss));
      });
}

TEST(TrainStep, TheLossHasTheConfiguredDirections) {
  Communicator& world = testing::test_world();
  TrainingConfig config = config_with_dropout_on();
  CocolaModel model(testing::small_model_config(), 2, 1);
  model.to(testing::test_device());
  FlatParameters flat(model.state());
  const Batch batch = slice_of_step(world.rank(), world.world_size());
  const StepReport one = compute_gradients(model, flat, batch, config, {}, world);
  config.loss.directions = LossDirections::both;
  const StepReport both = compute_gradients(model, flat, batch, config, {}, world);
  EXPECT_NE(both.loss, one.loss);
  EXPECT_NE(both.gradient_norm, one.gradient_norm);
  EXPECT_EQ(both.softmax_entropy, one.softmax_entropy);  // of the anchors in both cases
}

TEST(TrainStep, OneRankThatWantsToStopStopsAll) {
  Communicator& world = testing::test_world();
  const TrainingConfig config = config_with_dropout_on();
  CocolaModel model(testing::small_model_config(), 2, 1);
  model.to(testing::test_device());
  FlatParameters flat(model.state());
  const bool last = world.rank() == world.world_size() - 1;
  const StepReport report = compute_gradients(
      model, flat, slice_of_step(world.rank(), world.world_size()), config, {last, false}, world);
  EXPECT_TRUE(report.stop);
  EXPECT_FALSE(report.time_up);
}

TEST(TrainStep, ANaNOnOneRankChangesNothingOnAny) {
  Communicator& world = testing::test_world();
  const TrainingConfig config = config_with_dropout_on();
  CocolaModel model(testing::small_model_config(), 2, 1);
  model.to(testing::test_device());
  FlatParameters flat(model.state());
  Adam adam(flat.values());
  const Batch sound = slice_of_step(world.rank(), world.world_size());
  Batch broken = sound;
  broken.anchors = sound.anchors.clone();
  if (world.rank() == world.world_size() - 1) broken.anchors[0][0][3][4] = std::nanf("");
  ASSERT_TRUE(train_step(model, flat, adam, sound, config, 1e-3, {}, world).finite);
  const std::vector<at::Tensor> state = {flat.values(), flat.running(), adam.first_moment(),
                                         adam.second_moment()};
  std::vector<at::Tensor> before;
  for (const at::Tensor& tensor : state) before.push_back(tensor.clone());
  const StepReport report = train_step(model, flat, adam, broken, config, 1e-3, {}, world);
  EXPECT_FALSE(report.finite);
  EXPECT_EQ(adam.num_steps(), 1);
  for (size_t i = 0; i < state.size(); ++i) EXPECT_TRUE(at::equal(before[i], state[i])) << i;
  EXPECT_TRUE(train_step(model, flat, adam, sound, config, 1e-3, {}, world).finite);
}

TEST(TrainStep, RecomputedStatisticsLeaveOutAStepThatIsNotFinite) {
  Communicator& world = testing::test_world();
  const TrainingConfig config = config_with_dropout_on();
  CocolaModel model(testing::small_model_config(), 2, 1);
  model.to(testing::test_device());
  FlatParameters flat(model.state());
  const Batch sound = slice_of_step(world.rank(), world.world_size());
  Batch broken = sound;
  if (world.is_rank_zero()) broken.positives = at::full_like(sound.positives, std::nanf(""));
  const auto recomputed = [&](const std::vector<const Batch*>& batches) {
    StatisticsRecomputation recomputation(model, flat, config);
    for (const Batch* batch : batches) recomputation.add(*batch, world);
    recomputation.finish();
    return flat.running().clone();
  };
  const at::Tensor initial = flat.running().clone();
  EXPECT_TRUE(at::equal(recomputed({&broken}), initial));
  EXPECT_TRUE(at::equal(recomputed({&sound, &broken}), recomputed({&sound})));
  EXPECT_FALSE(at::equal(flat.running(), initial));
}

}  // namespace
}  // namespace cocola
