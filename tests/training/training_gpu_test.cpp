#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "batches/device_feed.h"
#include "comm/communicator.h"
#include "comm/replay.h"
#include "training/adam.h"
#include "training/precision.h"
#include "training/step_replay.h"
#include "training/synthetic.h"
#include "training/tones.h"

namespace cocola {
namespace {

using testing::FeaturesBy;
using testing::tone_data;

class OnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (num_cuda_devices() == 0) GTEST_SKIP() << "no CUDA in this build, or no GPU in this machine";
  }
};

using DeviceFeedOnGpu = OnGpu;
using AdamOnGpu = OnGpu;
using ReplayOnGpu = OnGpu;
using StepReplayOnGpu = OnGpu;

// Features that nobody makes again are copies; made ones agree to the tolerance of the front end.
TEST_F(DeviceFeedOnGpu, DeliversTheBatchesOfTheCpu) {
  const auto world = open_solo_world();
  TrainingConfig config = testing::small_training_config();
  for (const FeaturesBy maker : {FeaturesBy::loader, FeaturesBy::feed}) {
    for (const int64_t groups_in_memory : {0, 1}) {
      config.groups_in_memory = groups_in_memory;
      const double tolerance = maker == FeaturesBy::loader ? 0.0 : 2e-3;
      DeviceFeed gpu =
          open_feed(tone_data(maker, config), config, *world, 0, 12, at::Device("cuda:0"));
      DeviceFeed cpu =
          open_feed(tone_data(FeaturesBy::loader, config), config, *world, 0, 12, at::kCPU);
      for (int64_t step = 0; step < 12; ++step) {
        const Batch found = gpu.next(), expected = cpu.next();
        EXPECT_TRUE(gpu.begin_next() == nullptr || groups_in_memory == 0);
        EXPECT_EQ(found.window_ids, expected.window_ids);
        EXPECT_EQ(found.anchors.is_cuda(), groups_in_memory == 0 || maker == FeaturesBy::feed);
        for (const auto& [ours, theirs] : {std::pair(found.anchors.cpu(), expected.anchors),
                                           std::pair(found.positives.cpu(), expected.positives)}) {
          const at::Tensor apart =
              at::where(theirs > -79, (ours - theirs).abs(), at::zeros_like(theirs));
          EXPECT_LE(apart.max().item<double>(), tolerance) << step;
        }
      }
    }
  }
}

// Batches that were dropped while their successors were copied must not be written over.
TEST_F(DeviceFeedOnGpu, ABatchIsIntactUntilItsStepIsDone) {
  const auto world = open_solo_world();
  const TrainingConfig config = testing::small_training_config();
  DeviceFeed gpu =
      open_feed(tone_data(FeaturesBy::feed, config), config, *world, 0, 12, at::Device("cuda:0"));
  DeviceFeed cpu =
      open_feed(tone_data(FeaturesBy::loader, config), config, *world, 0, 12, at::kCPU);
  const at::Tensor busy = at::ones({4096, 4096}, at::kCUDA);
  std::vector<at::Tensor> sums, expected;
  for (int64_t step = 0; step < 12; ++step) {
    const Batch batch = gpu.next();
    for (int i = 0; i < 20; ++i) busy.mm(busy);  // the sum is taken long after the next has begun
    gpu.begin_next();
    sums.push_back(batch.anchors.to(at::kDouble).mean());
    expected.push_back(cpu.next().anchors.to(at::kDouble).mean());
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    EXPECT_NEAR(sums[i].item<double>(), expected[i].item<double>(), 2e-3) << i;
  }
}

TEST_F(AdamOnGpu, TakesTheStepsOfTheCpu) {
  at::Tensor host = at::linspace(-1, 1, 100'003), device = host.to(at::kCUDA);
  Adam on_host(host), on_device(device);
  for (int i = 1; i <= 50; ++i) {
    const bool happens = i % 7 != 0;
    const at::Tensor gradients = happens ? at::sin(host * i) : host * std::nanf("");
    const at::Tensor rate = at::full({}, 1e-3, at::kDouble),
                     happened = at::full({}, happens, at::kBool);
    on_host.queue_step(host, gradients, rate, happened);
    on_device.queue_step(device, gradients.to(at::kCUDA), rate.to(at::kCUDA),
                         happened.to(at::kCUDA));
    if (!happens) continue;
    on_host.count_step();
    on_device.count_step();
  }
  EXPECT_TRUE(at::allclose(device.cpu(), host, 0, 1e-6));
}

// Runs before the recording, the recording, and runs that play it.
TEST_F(ReplayOnGpu, EveryRunDoesTheWorkOnce) {
  const auto replay = open_replay(at::Device("cuda:0"));
  const at::Tensor count = at::zeros({3}, at::kCUDA), step = at::ones({3}, at::kCUDA);
  at::Tensor doubled;
  for (int run = 1; run <= 12; ++run) {
    step.fill_(run);
    replay->run([&] {
      count.add_(step);
      doubled = count * 2;
    });
    EXPECT_EQ(count[1].item<int>(), run * (run + 1) / 2);
    EXPECT_EQ(doubled[2].item<int>(), run * (run + 1));
  }
}

struct Trainee {
  explicit Trainee(const TrainingConfig& training) : config(training) {
    model.to(at::Device("cuda:0"));
    flat.emplace(model.state());
    adam.emplace(flat->values());
    if (config.cuda_graph) replay.emplace(model, *flat, *adam, config, *world);
  }
  StepReport step(const Batch& batch, StepWishes wishes = {}) {
    if (!replay) return train_step(model, *flat, *adam, batch, config, 1e-4, wishes, *world);
    return end_step(replay->queue_step(step_inputs(model, batch, config, 1e-4, wishes)), *adam);
  }

  TrainingConfig config;
  std::unique_ptr<Communicator> world = open_solo_world();
  CocolaModel model{testing::small_model_config(), 2, 1};
  std::optional<FlatParameters> flat;
  std::optional<Adam> adam;
  std::optional<StepReplay> replay;
};

// Dropout and drop-connect differ in each step; one step is not finite.
TEST_F(StepReplayOnGpu, RecordedStepsAreThoseThatAreNot) {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    set_product_precision(precision);
    TrainingConfig config = testing::small_training_config();
    config.precision = precision;
    Trainee plain(config);
    config.cuda_graph = true;
    Trainee recorded(config);
    const double tolerance = precision == Precision::fp32 ? 1e-3 : 3e-2;
    for (int64_t step = 0; step < 12; ++step) {
      Batch batch = testing::synthetic_batch(8 * step, 8);
      batch.epoch = step;
      if (step == 7) batch.anchors[0][0][0][0] = std::nanf("");
      const StepWishes wishes{step == 5, step == 9};
      const StepReport found = recorded.step(batch, wishes), expected = plain.step(batch, wishes);
      EXPECT_EQ(found.finite, step != 7);
      EXPECT_EQ(found.stop, step == 5);
      EXPECT_EQ(found.time_up, step == 9);
      if (found.finite) {
        EXPECT_NEAR(found.loss, expected.loss, tolerance) << step;
      }
    }
    EXPECT_EQ(recorded.adam->num_steps(), 11);
    EXPECT_TRUE(at::allclose(recorded.flat->running(), plain.flat->running(), 0.05, 0.05));
  }
  set_product_precision(Precision::fp32);
}

}  // namespace
}  // namespace cocola
