#include "training/training_data.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "support/temporary_directory.h"
#include "training/runs.h"
#include "training/waveforms.h"

namespace cocola {
namespace {

using testing::tone_data;

TrainingConfig config_with_masks(MaskViews views) {
  TrainingConfig config = testing::small_training_config();
  config.augment.mask_probability = 0.6;
  config.augment.mask_views = views;
  return config;
}

TEST(DeviceFeed, GivesTheBitsOfTheLoadersFeatures) {
  const auto world = open_solo_world();
  for (const MaskViews views : {MaskViews::same, MaskViews::independent}) {
    const TrainingConfig config = config_with_masks(views);
    DeviceFeed made = open_feed(tone_data(ViewKind::waveforms), config, *world, 1, 9, at::kCPU);
    DeviceFeed read = open_feed(tone_data(ViewKind::features), config, *world, 1, 9, at::kCPU);
    for (int64_t step = 1; step < 9; ++step) {
      const Batch found = made.next(), expected = read.next();
      EXPECT_EQ(found.step, step);
      EXPECT_EQ(found.window_ids, expected.window_ids);
      EXPECT_TRUE(at::equal(found.anchors, expected.anchors)) << step;
      EXPECT_TRUE(at::equal(found.positives, expected.positives)) << step;
    }
  }
}

TEST(DeviceFeed, ATrainingLeavesTheSameBytesWhereverFeaturesAreMade) {
  const testing::TemporaryDirectory directory;
  const TrainingConfig config = config_with_masks(MaskViews::same);
  testing::train_in(directory / "read", config, tone_data(ViewKind::features));
  testing::train_in(directory / "made", config, tone_data(ViewKind::waveforms));
  for (const char* const file : {"model.safetensors", "best.safetensors"}) {
    EXPECT_EQ(testing::bytes_of(directory / "made" / file),
              testing::bytes_of(directory / "read" / file));
  }
}

}  // namespace
}  // namespace cocola
