#include "batches/pair_reader.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <numeric>

#include "base/error.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr FeatureShape kShape{.channels = 1, .mel_bins = 2, .frames = 3};
constexpr int64_t kBrokenWindow = 13;

float value_of(int64_t window, int64_t epoch) { return static_cast<float>(100 * epoch + window); }

// Anchors tell window and epoch, positives the same with the other sign.
class NumberedSource : public PairSource {
 public:
  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    if (window == kBrokenWindow) fail("test", "window {} is broken", window);
    std::ranges::fill(anchor, value_of(window, epoch));
    std::ranges::fill(positive, -value_of(window, epoch));
  }
};

PairReader open_reader(int64_t num_threads) {
  return {kShape, num_threads, [] { return std::make_unique<NumberedSource>(); }};
}

TEST(PairReader, GivesThePairsInTheOrderAskedWithAnyNumberOfThreads) {
  const std::vector<int64_t> windows = {7, 2, 9, 2, 40, 0, 1};
  for (const int64_t num_threads : {1, 3, 16}) {
    const Batch batch = open_reader(num_threads).read(windows, 5);
    EXPECT_EQ(batch.window_ids, windows);
    ASSERT_EQ(batch.anchors.sizes(), (std::vector<int64_t>{7, 1, 2, 3}));
    for (size_t i = 0; i < windows.size(); ++i) {
      const at::Tensor anchor = batch.anchors[static_cast<int64_t>(i)];
      EXPECT_EQ(anchor.min().item<float>(), value_of(windows[i], 5));
      EXPECT_EQ(anchor.max().item<float>(), value_of(windows[i], 5));
    }
    EXPECT_TRUE(at::equal(batch.positives, -batch.anchors));
  }
}

TEST(PairReader, ReadsAgainAndNothing) {
  PairReader reader = open_reader(2);
  EXPECT_EQ(reader.read(std::vector<int64_t>{4}, 1).anchors.max().item<float>(), 104.0F);
  EXPECT_EQ(reader.read({}, 1).anchors.size(0), 0);
  EXPECT_EQ(reader.read(std::vector<int64_t>{5}, 2).anchors.max().item<float>(), 205.0F);
}

// Those of the window's number, epoch and seed, whatever the threads.
TEST(PairReader, DrawsTheMasksOfTrainingWhenAskedTo) {
  constexpr FeatureShape kTwoChannels{.channels = 2, .mel_bins = 2, .frames = 3};
  const AugmentConfig augment{.mask_views = MaskViews::independent};
  std::vector<int64_t> windows(60);
  std::iota(windows.begin(), windows.end(), 100);
  PairReader reader(kTwoChannels, 3, [] { return std::make_unique<NumberedSource>(); });
  EXPECT_EQ(reader.read(windows, 5).anchors.abs().min().item<float>(), value_of(100, 5));
  reader.draw_masks(augment, 9);
  const Batch batch = reader.read(windows, 5);
  int64_t num_hidden = 0;
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto masks = draw_channel_masks(augment, 9, 5, windows[i]);
    const at::Tensor views[2] = {batch.anchors[static_cast<int64_t>(i)],
                                 batch.positives[static_cast<int64_t>(i)]};
    for (size_t view = 0; view < 2; ++view) {
      for (const ChannelMask channel : {ChannelMask::harmonic, ChannelMask::percussive}) {
        const at::Tensor values = views[view][channel == ChannelMask::harmonic ? 0 : 1].abs();
        const bool hidden = masks[view] == channel;
        num_hidden += hidden ? 1 : 0;
        EXPECT_EQ(values.min().item<float>(), hidden ? kMaskedDb : value_of(windows[i], 5));
        EXPECT_EQ(values.max().item<float>(), hidden ? kMaskedDb : value_of(windows[i], 5));
      }
    }
  }
  EXPECT_GT(num_hidden, 40);
}

TEST(PairReader, FeaturesOfOneChannelAreNotMasked) {
  PairReader reader = open_reader(1);
  reader.draw_masks({.mask_probability = 1.0}, 9);
  EXPECT_EQ(reader.read(std::vector<int64_t>{4}, 1).anchors.min().item<float>(), 104.0F);
}

TEST(PairReader, PassesTheErrorOfASourceOn) {
  PairReader reader = open_reader(3);
  try {
    reader.read(std::vector<int64_t>{1, kBrokenWindow, 2, 3, 4}, 0);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("window 13 is broken"));
  }
  EXPECT_EQ(reader.read(std::vector<int64_t>{1}, 0).anchors.max().item<float>(), 1.0F);
}

class StalledSource : public PairSource {
 public:
  explicit StalledSource(std::shared_future<void> released) : released_(std::move(released)) {}
  void make_pair(int64_t, int64_t, std::span<float>, std::span<float>) override {
    released_.wait();
  }

 private:
  std::shared_future<void> released_;
};

TEST(PairReader, AFileSystemThatHangsIsAnErrorAndHoldsNobodyUp) {
  std::promise<void> release;
  PairReader reader(
      kShape, 2,
      [released = release.get_future().share()] {
        return std::make_unique<StalledSource>(released);
      },
      0.2);
  try {
    reader.read(std::vector<int64_t>{1, 2, 3}, 0);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("[pair_reader]"), HasSubstr("within 0.2 s")));
  }
  release.set_value();
}

}  // namespace
}  // namespace cocola
