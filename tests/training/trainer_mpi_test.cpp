#include "training/trainer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "comm/mpi_test_world.h"
#include "model/safetensors.h"
#include "support/temporary_directory.h"
#include "training/synthetic.h"

namespace cocola {
namespace {

constexpr int64_t kSteps = 8;

void train_to(int64_t last_step, const std::filesystem::path& directory, Communicator& world,
              Reproducibility reproducible = Reproducibility::fast) {
  TrainingConfig config = testing::small_training_config();
  config.reproducible = reproducible;
  config.max_steps = last_step;
  config.loader.num_threads = 1;
  CocolaModel model(testing::small_model_config(), 2, config.seed);
  ModelCard card;
  card.feature_fingerprint = "0123456789abcdef";
  ASSERT_EQ(train(model, testing::synthetic_data(48, 16), config, card, {directory, "run", ""},
                  world, world),
            TrainingEnd::finished);
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
  constexpr auto kInvariant = Reproducibility::invariant;
  Communicator& world = testing::test_world();
  const testing::TemporaryDirectory ours, changed, one;  // only those of rank 0 are written to
  train_to(kSteps, ours.path(), world, kInvariant);
  train_to(kSteps / 2, changed.path(), world, kInvariant);
  if (!world.is_rank_zero()) return;
  const auto solo = open_solo_world();
  train_to(kSteps, changed.path(), *solo, kInvariant);
  train_to(kSteps, one.path(), *solo, kInvariant);
  const std::string expected = digest_of_file(one / "model.safetensors");
  EXPECT_EQ(digest_of_file(ours / "model.safetensors"), expected);
  EXPECT_EQ(digest_of_file(changed / "model.safetensors"), expected);
}

}  // namespace
}  // namespace cocola
