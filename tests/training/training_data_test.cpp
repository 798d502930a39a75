#include "training/training_data.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/temporary_directory.h"
#include "training/runs.h"
#include "training/tones.h"

namespace cocola {
namespace {

using testing::FeaturesBy;
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
    const auto feed_of = [&](FeaturesBy maker) {
      return open_feed(tone_data(maker, config), config, *world, 1, 9, at::kCPU);
    };
    DeviceFeed made = feed_of(FeaturesBy::feed), read = feed_of(FeaturesBy::loader);
    for (int64_t step = 1; step < 9; ++step) {
      const Batch found = made.next(), expected = read.next();
      EXPECT_EQ(found.step, step);
      EXPECT_EQ(found.window_ids, expected.window_ids);
      EXPECT_FALSE(found.stems);
      EXPECT_TRUE(at::equal(found.anchors, expected.anchors)) << step;
      EXPECT_TRUE(at::equal(found.positives, expected.positives)) << step;
    }
  }
}

TEST(DeviceFeed, WhatItBeginsWithIsTheNextBatch) {
  const auto world = open_solo_world();
  const TrainingConfig config = config_with_masks(MaskViews::same);
  for (const FeaturesBy maker : {FeaturesBy::loader, FeaturesBy::feed}) {
    const auto open = [&] {
      return open_feed(tone_data(maker, config), config, *world, 0, 6, at::kCPU);
    };
    DeviceFeed begun = open(), plain = open();
    for (int64_t step = 0; step < 6; ++step) {
      ASSERT_TRUE(begun.wait(60.0, [] { return false; }));
      const Batch* const next = begun.begin_next();
      ASSERT_NE(next, nullptr);
      EXPECT_EQ(begun.begin_next(), next);
      const std::vector<int64_t> windows = next->window_ids;
      const Batch found = begun.next(), expected = plain.next();
      EXPECT_EQ(found.step, step);
      EXPECT_EQ(found.window_ids, windows);
      EXPECT_TRUE(at::equal(found.anchors, expected.anchors)) << step;
      EXPECT_TRUE(at::equal(found.positives, expected.positives)) << step;
    }
    EXPECT_EQ(begun.begin_next(), nullptr);
  }
}

TEST(DeviceFeed, HoldsOneBatchWhereStepsAreTakenInPieces) {
  const auto world = open_solo_world();
  TrainingConfig config = testing::small_training_config();
  config.groups_in_memory = 1;
  ASSERT_LT(config.pairs_per_group, config.pairs_per_step);
  DeviceFeed feed =
      open_feed(tone_data(FeaturesBy::loader, config), config, *world, 0, 2, at::kCPU);
  ASSERT_TRUE(feed.wait(60.0, [] { return false; }));
  EXPECT_EQ(feed.begin_next(), nullptr);
  EXPECT_EQ(feed.next().step, 0);
}

// Mixed in pieces, the last of them small.
TEST(DeviceFeed, ABatchOfAnySizeHasTheBitsOfTheLoadersFeatures) {
  const auto world = open_solo_world();
  TrainingConfig config = config_with_masks(MaskViews::same);
  config.pairs_per_step = DeviceFeed::kPairsPerPiece + 6;
  const auto batch_of = [&](FeaturesBy maker) {
    TrainingData data = tone_data(maker, config);
    data.num_train_windows = config.pairs_per_step;
    return open_feed(data, config, *world, 0, 1, at::kCPU).next();
  };
  const Batch found = batch_of(FeaturesBy::feed), expected = batch_of(FeaturesBy::loader);
  EXPECT_EQ(found.anchors.size(0), config.pairs_per_step);
  EXPECT_TRUE(at::equal(found.anchors, expected.anchors));
  EXPECT_TRUE(at::equal(found.positives, expected.positives));
}

TEST(DeviceFeed, ATrainingLeavesTheSameBytesWhereverFeaturesAreMade) {
  const testing::TemporaryDirectory directory;
  const TrainingConfig config = config_with_masks(MaskViews::same);
  testing::train_in(directory / "read", config, tone_data(FeaturesBy::loader, config));
  testing::train_in(directory / "made", config, tone_data(FeaturesBy::feed, config));
  for (const char* const file : {"model.safetensors", "best.safetensors"}) {
    EXPECT_EQ(testing::bytes_of(directory / "made" / file),
              testing::bytes_of(directory / "read" / file));
  }
}

}  // namespace
}  // namespace cocola
