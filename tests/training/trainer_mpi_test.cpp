#include "training/trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "comm/mpi_test_world.h"
#include "model/safetensors.h"
#include "support/temporary_directory.h"
#include "training/log_rows.h"
#include "training/runs.h"

namespace cocola {
namespace {

constexpr int64_t kSteps = 8;

// The parameters at the end.
at::Tensor train_to(int64_t last_step, const std::filesystem::path& directory, Communicator& world,
                    const TrainingData& data = testing::synthetic_data(48, 16),
                    Reproducibility reproducible = Reproducibility::fast) {
  TrainingConfig config = testing::small_training_config();
  config.reproducible = reproducible;
  config.max_steps = last_step;
  config.max_skipped_steps = 1;
  config.loader.num_threads = 1;
  CocolaModel model(testing::small_model_config(), 2, config.seed);
  EXPECT_EQ(train(model, data, config, testing::small_card(), {directory, "run", ""}, world, world),
            TrainingEnd::finished);
  std::vector<at::Tensor> parameters;
  for (const StateEntry& entry : model.state().entries()) {
    if (entry.role == StateRole::parameter) parameters.push_back(entry.tensor.flatten());
  }
  return at::cat(parameters);
}

TEST(Trainer, ARunOfManyRanksIsContinuedByOneAsIfItHadAlwaysBeenOne) {
  Communicator& world = testing::test_world();
  const testing::TemporaryDirectory shared, whole;  // only those of rank 0 are written to
  train_to(kSteps / 2, shared.path(), world);
  if (!world.is_rank_zero()) return;
  const auto solo = open_solo_world();
  train_to(kSteps, shared.path(), *solo);
  train_to(kSteps, whole.path(), *solo);
  const std::string last = fmt::format("checkpoints/step_{:08}.safetensors", kSteps);
  const SafetensorsFile found = read_safetensors(shared / last);
  for (const auto& [name, expected] : read_safetensors(whole / last).tensors) {
    const double distance = (found.get(name) - expected).norm().item<double>();
    EXPECT_LE(distance, 1e-3 * expected.norm().item<double>()) << name;
  }
}

TEST(Trainer, AnInvariantRunLeavesTheSameBytesOnAnyWorldAndOverAChangeOfWorlds) {
  Communicator& world = testing::test_world();
  const auto solo = open_solo_world();
  const testing::TemporaryDirectory ours, changed, one;  // only those of rank 0 are written to
  const auto train_invariant = [](int64_t last_step, const auto& directory, Communicator& ranks) {
    train_to(last_step, directory.path(), ranks, testing::synthetic_data(48, 16),
             Reproducibility::invariant);
  };
  train_invariant(kSteps, ours, world);
  train_invariant(kSteps / 2, changed, world);
  if (!world.is_rank_zero()) return;
  train_invariant(kSteps, changed, *solo);
  train_invariant(kSteps, one, *solo);
  for (const std::string& file : {std::string("model.safetensors"), std::string("best.safetensors"),
                                  fmt::format("checkpoints/step_{:08}.safetensors", kSteps)}) {
    const std::string expected = digest_of_file(one / file);
    EXPECT_EQ(digest_of_file(ours / file), expected) << file;
    // The end of its first half was a validation more to be the best.
    if (file != "best.safetensors") {
      EXPECT_EQ(digest_of_file(changed / file), expected) << file;
    }
  }
}

// The first epoch has six steps and holds every window once: on one rank, in one step.
TEST(Trainer, AWindowThatIsNotFiniteSkipsTheSameStepOnEveryRank) {
  Communicator& world = testing::test_world();
  const testing::TemporaryDirectory shared;
  const at::Tensor parameters =
      train_to(6, shared.path(), world, testing::data_with_a_broken_window(11));
  EXPECT_TRUE(parameters.isfinite().all().item<bool>());
  const at::Tensor all = world.all_gather(parameters.unsqueeze(0));
  EXPECT_TRUE(all.eq(all.narrow(0, 0, 1)).all().item<bool>());
  if (!world.is_rank_zero()) return;
  const auto events = testing::log_of(shared.path(), "event");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0]["skipped_steps"], 1);
  EXPECT_THAT(events[0]["note"].get<std::string>(), ::testing::HasSubstr("window 11"));
  const SafetensorsFile last = read_safetensors(shared / "checkpoints/step_00000006.safetensors");
  EXPECT_EQ(last.metadata.at("adam_steps"), "5");
}

}  // namespace
}  // namespace cocola
