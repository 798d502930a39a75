#include "training/step_replay.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <ATen/record_function.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include "support/mirrored_world.h"
#include "support/temporary_directory.h"
#include "training/runs.h"
#include "training/synthetic.h"

namespace cocola {
namespace {

using ::testing::Contains;
using ::testing::Not;

// What a training changes, and both ways to do its steps. Dropout and drop-connect are on.
struct Trainee {
  Trainee(const TrainingConfig& training, Communicator& communicator)
      : config(training), world(communicator) {
    at::set_num_threads(1);  // so small a network is slower on more
  }

  StepReport step(const Batch& batch, StepWishes wishes = {}) {
    return train_step(model, flat, adam, batch, config, rate(), wishes, world);
  }
  StepReport replayed_step(const Batch& batch, StepWishes wishes = {}) {
    return end_step(replay.queue_step(step_inputs(model, batch, config, rate(), wishes)), adam);
  }
  double rate() const { return 1e-3 / static_cast<double>(1 + adam.num_steps()); }

  TrainingConfig config;
  Communicator& world;
  CocolaModel model{testing::small_model_config(), 2, 1};
  FlatParameters flat{model.state()};
  Adam adam{flat.values()};
  StepReplay replay{model, flat, adam, config, world};
};

Batch batch_of_step(int64_t step, int64_t pairs = 8) {
  Batch batch = testing::synthetic_batch(pairs * step, pairs);
  batch.epoch = step % 3;
  return batch;
}

void expect_equal(Trainee& found, Trainee& expected) {
  EXPECT_TRUE(at::equal(found.flat.values(), expected.flat.values()));
  EXPECT_TRUE(at::equal(found.flat.running(), expected.flat.running()));
  EXPECT_TRUE(at::equal(found.adam.second_moment(), expected.adam.second_moment()));
  EXPECT_EQ(found.adam.num_steps(), expected.adam.num_steps());
}

TEST(StepReplay, StepsFromTheSameMemoryAreThoseFromTheirOwn) {
  for (const int64_t ranks : {1, 2}) {
    for (const auto reproducible : {Reproducibility::fast, Reproducibility::invariant}) {
      testing::MirroredWorld world(ranks);
      TrainingConfig config = testing::small_training_config();
      config.pairs_per_step = 8 * ranks;
      config.reproducible = reproducible;
      Trainee played(config, world), plain(config, world);
      for (int64_t step = 0; step < 4; ++step) {
        const Batch batch = batch_of_step(step);
        const StepReport found = played.replayed_step(batch), expected = plain.step(batch);
        EXPECT_EQ(found.loss, expected.loss) << step;
        EXPECT_EQ(found.gradient_norm, expected.gradient_norm) << step;
        EXPECT_EQ(found.accuracy, expected.accuracy) << step;
      }
      expect_equal(played, plain);
    }
  }
}

TEST(StepReplay, WishesBelongToTheirStep) {
  const auto world = open_solo_world();
  Trainee trainee(testing::small_training_config(), *world);
  const Batch batch = batch_of_step(0);
  for (const StepWishes wishes :
       {StepWishes{}, StepWishes{true, false}, StepWishes{false, true}, StepWishes{}}) {
    const StepReport report = trainee.replayed_step(batch, wishes);
    EXPECT_EQ(report.stop, wishes.stop);
    EXPECT_EQ(report.time_up, wishes.time_up);
  }
}

TEST(StepReplay, AStepThatIsNotFiniteChangesNothing) {
  const auto world = open_solo_world();
  Trainee played(testing::small_training_config(), *world);
  Trainee plain(testing::small_training_config(), *world);
  Batch broken = batch_of_step(1);
  broken.anchors[0][0][0][0] = std::nanf("");
  for (const Batch& batch : {batch_of_step(0), broken, batch_of_step(2)}) {
    EXPECT_EQ(played.replayed_step(batch).finite, plain.step(batch).finite);
  }
  EXPECT_EQ(played.adam.num_steps(), 2);
  expect_equal(played, plain);
}

TEST(StepReplay, BatchesOfAnotherShapeAreTakenAsTheyAre) {
  const auto world = open_solo_world();
  Trainee played(testing::small_training_config(), *world);
  Trainee plain(testing::small_training_config(), *world);
  for (const int64_t pairs : {8, 4, 4, 8}) {
    const Batch batch = batch_of_step(1, pairs);
    EXPECT_EQ(played.replayed_step(batch).loss, plain.step(batch).loss) << pairs;
  }
  expect_equal(played, plain);
}

TEST(StepReplay, ABatchIsCopied) {
  const auto world = open_solo_world();
  Trainee trainee(testing::small_training_config(), *world);
  const Batch batch = batch_of_step(0), unchanged = batch_of_step(0);
  trainee.replayed_step(batch);
  trainee.replayed_step(batch_of_step(1));
  EXPECT_TRUE(at::equal(batch.anchors, unchanged.anchors));
  EXPECT_TRUE(at::equal(batch.positives, unchanged.positives));
}

struct Calls {
  std::set<std::string> names;
  bool in_kernel = false;
};

Calls& calls() {
  static Calls made;
  return made;
}

// The update's kernel counts as one call: unlike that of a GPU, that of the CPU asks for values.
bool is_kernel(const at::RecordFunction& function) {
  return std::string_view(function.name()) == "aten::_fused_adam_";
}

std::unique_ptr<at::ObserverContext> note_call(const at::RecordFunction& function) {
  if (!calls().in_kernel) calls().names.insert(function.name());
  if (is_kernel(function)) calls().in_kernel = true;
  return nullptr;
}

void note_end(const at::RecordFunction& function, at::ObserverContext*) {
  if (is_kernel(function)) calls().in_kernel = false;
}

// A GPU that records a step cannot answer questions about values.
TEST(StepReplay, NothingIsReadBackBeforeTheReport) {
  for (const auto reproducible : {Reproducibility::fast, Reproducibility::invariant}) {
    testing::MirroredWorld world(2);
    TrainingConfig config = testing::small_training_config();
    config.reproducible = reproducible;
    Trainee trainee(config, world);
    Adam adam(trainee.flat.values(), AdamForm::kernel);
    const StepInputs inputs = step_inputs(trainee.model, batch_of_step(0), config, 1e-3);
    calls() = {};
    const auto handle = at::addThreadLocalCallback(
        at::RecordFunctionCallback(note_call, note_end).scopes({at::RecordScope::FUNCTION}));
    const at::Tensor told = queue_step(trainee.model, trainee.flat, adam, inputs, config, world);
    at::removeCallback(handle);
    EXPECT_THAT(calls().names, Contains("aten::_fused_adam_"));
    EXPECT_THAT(calls().names, Contains("aten::conv2d"));
    EXPECT_THAT(calls().names, Contains("aten::layer_norm"));
    for (const char* const question :
         {"aten::item", "aten::_local_scalar_dense", "aten::is_nonzero", "aten::nonzero",
          "aten::equal", "aten::masked_select", "aten::bernoulli_", "aten::dropout"}) {
      EXPECT_THAT(calls().names, Not(Contains(question)));
    }
    EXPECT_TRUE(end_step(told, adam).finite);
  }
}

TEST(StepReplay, ARunLeavesTheSameBytes) {
  TrainingConfig config = testing::small_training_config();
  const testing::TemporaryDirectory plain, played;
  ASSERT_EQ(testing::train_in(plain.path(), config), TrainingEnd::finished);
  config.cuda_graph = true;
  ASSERT_EQ(testing::train_in(played.path(), config), TrainingEnd::finished);
  for (const char* const file :
       {"model.safetensors", "best.safetensors", "checkpoints/step_00000012.safetensors"}) {
    EXPECT_EQ(testing::bytes_of(played / file), testing::bytes_of(plain / file)) << file;
  }
}

}  // namespace
}  // namespace cocola
