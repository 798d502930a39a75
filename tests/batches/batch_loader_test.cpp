#include "batches/batch_loader.h"

#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <optional>
#include <set>
#include <thread>

#include "base/error.h"
#include "batches/noisy_stems.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr FeatureShape kShape{.channels = 2, .mel_bins = 3, .frames = 4};
constexpr Sampler kSampler{.num_windows = 50, .pairs_per_step = 8, .seed = 11};
using SourceMaker = std::function<std::unique_ptr<PairSource>()>;

// Views that tell window, epoch and side; never the value of a hidden channel.
float value_of(int64_t window, int64_t epoch, bool positive) {
  return static_cast<float>(-1 - window - 100 * epoch - (positive ? 10'000 : 0));
}

class NumberedSource : public PairSource {
 public:
  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    std::ranges::fill(anchor, value_of(window, epoch, false));
    std::ranges::fill(positive, value_of(window, epoch, true));
  }
};

class FailingSource : public NumberedSource {
 public:
  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    if (epoch == 1) fail("test", "window {} is broken", window);
    NumberedSource::make_pair(window, epoch, anchor, positive);
  }
};

class CountingSource : public NumberedSource {
 public:
  explicit CountingSource(std::atomic<int64_t>& count) : count_(count) {}
  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    NumberedSource::make_pair(window, epoch, anchor, positive);
    ++count_;
  }

 private:
  std::atomic<int64_t>& count_;
};

// Its reads return when the test says so, as those of a file system that hangs.
class StalledSource : public NumberedSource {
 public:
  explicit StalledSource(std::shared_future<void> released) : released_(std::move(released)) {}
  void make_pair(int64_t, int64_t, std::span<float>, std::span<float>) override {
    released_.wait();
  }

 private:
  std::shared_future<void> released_;
};

const SourceMaker kNumbered = [] { return std::make_unique<NumberedSource>(); };

struct LoaderCase {
  int64_t rank = 0, world_size = 1, first_step = 0, last_step = 20;
  int64_t num_threads = 3, read_ahead = 2;
  double mask_probability = 0.0;
  MaskViews mask_views = MaskViews::same;
  FeatureShape shape = kShape;
  SourceMaker make_source = kNumbered;

  std::unique_ptr<BatchLoader> open() const {
    const AugmentConfig augment{.mask_probability = mask_probability, .mask_views = mask_views};
    return std::make_unique<BatchLoader>(
        kSampler, rank, world_size, first_step, last_step,
        LoaderConfig{.num_threads = num_threads, .read_ahead = read_ahead},
        [make_source = make_source, shape = shape, augment] {
          return make_feature_maker(make_source(), shape, augment, kSampler.seed);
        });
  }
};

TEST(BatchLoader, DeliversTheStepsOfTheSamplerInOrder) {
  for (int64_t rank = 0; rank < 2; ++rank) {
    const auto loader = LoaderCase{.rank = rank, .world_size = 2}.open();
    for (int64_t step = 0; step < 20; ++step) {
      const Batch batch = loader->next();
      EXPECT_EQ(batch.step, step);
      EXPECT_EQ(batch.epoch, kSampler.epoch_of(step));
      EXPECT_EQ(batch.window_ids, kSampler.windows_of(step, rank, 2));
      ASSERT_EQ(batch.anchors.sizes(), (std::vector<int64_t>{4, 2, 3, 4}));
      for (int64_t pair = 0; pair < 4; ++pair) {
        const int64_t window = batch.window_ids[static_cast<size_t>(pair)];
        EXPECT_EQ(batch.anchors[pair].min().item<float>(), value_of(window, batch.epoch, false));
        EXPECT_EQ(batch.anchors[pair].max().item<float>(), value_of(window, batch.epoch, false));
        EXPECT_EQ(batch.positives[pair].min().item<float>(), value_of(window, batch.epoch, true));
        EXPECT_EQ(batch.positives[pair].max().item<float>(), value_of(window, batch.epoch, true));
      }
    }
  }
}

TEST(BatchLoader, GivesTheSameBatchesWithAnyNumberOfThreadsAndFromAnyStep) {
  const auto reference =
      LoaderCase{.num_threads = 1, .read_ahead = 1, .mask_probability = 0.5}.open();
  const auto others = {
      LoaderCase{.num_threads = 8, .read_ahead = 5, .mask_probability = 0.5}.open(),
      LoaderCase{.num_threads = 0, .mask_probability = 0.5}.open()};
  const auto later = LoaderCase{.first_step = 7, .mask_probability = 0.5}.open();
  for (int64_t step = 0; step < 20; ++step) {
    const Batch expected = reference->next();
    const auto expect_equal = [&](const Batch& batch) {
      EXPECT_EQ(batch.step, step);
      EXPECT_EQ(batch.window_ids, expected.window_ids);
      EXPECT_TRUE(at::equal(batch.anchors, expected.anchors)) << step;
      EXPECT_TRUE(at::equal(batch.positives, expected.positives)) << step;
    };
    for (const auto& other : others) expect_equal(other->next());
    if (step >= 7) expect_equal(later->next());
  }
}

TEST(BatchLoader, HidesTheDrawnChannelOfEachView) {
  for (const MaskViews views : {MaskViews::same, MaskViews::independent}) {
    const AugmentConfig augment{.mask_probability = 0.6, .mask_views = views};
    const auto loader = LoaderCase{.mask_probability = 0.6, .mask_views = views}.open();
    std::set<std::array<ChannelMask, 2>> seen;
    for (int64_t step = 0; step < 20; ++step) {
      const Batch batch = loader->next();
      for (int64_t pair = 0; pair < 8; ++pair) {
        const int64_t window = batch.window_ids[static_cast<size_t>(pair)];
        const auto masks = draw_channel_masks(augment, kSampler.seed, batch.epoch, window);
        seen.insert(masks);
        const std::array<at::Tensor, 2> both = {batch.anchors[pair], batch.positives[pair]};
        for (size_t view = 0; view < 2; ++view) {
          EXPECT_EQ(both[view][0].max().item<float>() == kMaskedDb,
                    masks[view] == ChannelMask::harmonic);
          EXPECT_EQ(both[view][1].max().item<float>() == kMaskedDb,
                    masks[view] == ChannelMask::percussive);
        }
      }
    }
    EXPECT_EQ(seen.size(), views == MaskViews::same ? 3u : 9u);
  }
}

TEST(BatchLoader, LeavesMelFeaturesUnmasked) {
  const auto loader = LoaderCase{.mask_probability = 1.0, .shape = FeatureShape{1, 3, 4}}.open();
  EXPECT_LT(loader->next().anchors.max().item<float>(), kMaskedDb);
}

// Where the room of a batch cannot be had.
TEST(BatchLoader, PassesTheErrorOfALayoutOn) {
  class WindowsWithoutStems : public testing::NoisyStems {
   public:
    WindowsWithoutStems() : NoisyStems(10, std::vector<size_t>(50, 1)) {}
  };
  const auto loader = std::make_unique<BatchLoader>(
      kSampler, 0, 1, 0, 20, LoaderConfig{.num_threads = 3},
      [] { return make_stem_maker(std::make_unique<WindowsWithoutStems>()); });
  try {
    loader->next();
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("a pair needs two"));
  }
}

TEST(BatchLoader, GivesACompleteBatchWithoutWaiting) {
  std::promise<void> release;
  const auto loader = LoaderCase{
      .last_step = 1, .make_source = [released = release.get_future().share()] {
        return std::make_unique<StalledSource>(released);
      }}.open();
  EXPECT_FALSE(loader->next_if_complete());
  release.set_value();
  loader->wait(60.0, [] { return false; });
  const std::optional<Batch> batch = loader->next_if_complete();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->step, 0);
  EXPECT_FALSE(loader->next_if_complete());
}

// The trainer asks while a step is under way, which must not end with the error of the next.
TEST(BatchLoader, ACompleteBatchIsThereWhateverFailedBehindIt) {
  const int64_t last_good_step = kSampler.steps_per_epoch() - 1;
  const auto loader = LoaderCase{
      .first_step = last_good_step, .num_threads = 1, .make_source = [] {
        return std::make_unique<FailingSource>();
      }}.open();
  const auto has_failed = [&] {
    try {
      loader->wait(60.0, [] { return false; });
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  while (!has_failed()) std::this_thread::yield();
  const std::optional<Batch> batch = loader->next_if_complete();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->step, last_good_step);
  EXPECT_FALSE(loader->next_if_complete());
  EXPECT_THROW(loader->next(), Error);
}

TEST(BatchLoader, PassesTheErrorOfAWorkerOn) {
  const auto loader =
      LoaderCase{.make_source = [] { return std::make_unique<FailingSource>(); }}.open();
  std::string message;
  int64_t delivered = 0;
  try {
    for (; delivered < 20; ++delivered) loader->next();
  } catch (const Error& e) {
    message = e.what();
  }
  EXPECT_THAT(message, HasSubstr("is broken"));
  EXPECT_LE(delivered, kSampler.steps_per_epoch());
  EXPECT_THROW(loader->next(), Error);
}

TEST(BatchLoader, PassesTheErrorOfASourceThatCannotBeMadeOn) {
  const auto loader = LoaderCase{.make_source = []() -> std::unique_ptr<PairSource> {
                        fail("test", "no source");
                      }}.open();
  EXPECT_THROW(loader->next(), Error);
}

TEST(BatchLoader, AFileSystemThatHangsIsAnErrorThatNamesTheLoaderAndHoldsNobodyUp) {
  std::promise<void> release;
  {
    const auto loader = LoaderCase{.make_source = [released = release.get_future().share()] {
                          return std::make_unique<StalledSource>(released);
                        }}.open();
    try {
      loader->next(0.2);
      FAIL() << "no error";
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr("[loader]"), HasSubstr("within 0.2 s")));
    }
  }  // the destructor comes back although no worker does
  release.set_value();
}

TEST(BatchLoader, WaitingCanBeInterruptedAndTakenUpAgain) {
  std::promise<void> release;
  const auto loader = LoaderCase{.make_source = [released = release.get_future().share()] {
                        return std::make_unique<StalledSource>(released);
                      }}.open();
  EXPECT_FALSE(loader->wait(60.0, [] { return true; }));
  release.set_value();
  EXPECT_TRUE(loader->wait(60.0, [] { return false; }));
  EXPECT_EQ(loader->next().step, 0);
}

TEST(BatchLoader, EndsAfterTheLastStep) {
  const auto loader = LoaderCase{.first_step = 3, .last_step = 5}.open();
  EXPECT_EQ(loader->next().step, 3);
  EXPECT_EQ(loader->next().step, 4);
  EXPECT_THROW(loader->next(), Error);
  EXPECT_THROW((LoaderCase{.first_step = 5, .last_step = 5}.open()->next()), Error);
}

TEST(BatchLoader, ReadsAheadNoFurtherThanAsked) {
  std::atomic<int64_t> count = 0;
  const auto loader = LoaderCase{
      .num_threads = 4, .read_ahead = 3, .make_source = [&count] {
        return std::make_unique<CountingSource>(count);
      }}.open();
  for (int64_t delivered = 1; delivered < 10; ++delivered) {
    loader->next();
    while (count < (delivered + 3) * 8) std::this_thread::yield();
    EXPECT_EQ(count, (delivered + 3) * 8);
  }
}

TEST(BatchLoader, CanBeDroppedAtAnyMoment) {
  for (int64_t taken = 0; taken < 4; ++taken) {
    for (const int64_t num_threads : {1, 4}) {
      const auto loader = LoaderCase{.num_threads = num_threads, .read_ahead = 1}.open();
      for (int64_t i = 0; i < taken; ++i) loader->next();
    }
  }
}

TEST(BatchLoader, LeavesTheMainThreadsOwnThreadsAlone) {
  const int before = at::get_num_threads();
  LoaderCase{}.open()->next();
  EXPECT_EQ(at::get_num_threads(), before);
}

TEST(BatchLoader, CountsTheTimeItWaited) {
  const auto loader = LoaderCase{}.open();
  EXPECT_EQ(loader->waited_seconds(), 0.0);
  for (int64_t step = 0; step < 20; ++step) loader->next();
  EXPECT_GT(loader->waited_seconds(), 0.0);
}

TEST(LoaderConfig, RefusesValuesOutsideItsRanges) {
  LoaderConfig().validate();
  EXPECT_THROW((LoaderConfig{.num_threads = -1, .read_ahead = 1}.validate()), Error);
  EXPECT_THROW((LoaderConfig{.num_threads = 257, .read_ahead = 1}.validate()), Error);
  EXPECT_THROW((LoaderConfig{.num_threads = 1, .read_ahead = 0}.validate()), Error);
  EXPECT_THROW((LoaderConfig{.num_threads = 1, .read_ahead = 65}.validate()), Error);
}

}  // namespace
}  // namespace cocola
