#include "batches/stem_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "batches/batch_loader.h"
#include "shards/example_shard.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using testing::error_of;
using testing::ExampleShard;
using ::testing::HasSubstr;

constexpr uint64_t kSeed = 5;

class StemSourceTest : public ::testing::Test {
 protected:
  const ShardSet& shards() {
    if (!set_) {
      const Manifest manifest{example_.settings, "", "", {example_.write(dir_ / "train-0.h5")}};
      write_manifest(dir_.path(), manifest);
      set_ = std::make_unique<ShardSet>(dir_.path(), "train", true);
    }
    return *set_;
  }
  std::unique_ptr<BatchLoader> open_loader(int64_t num_threads) {
    const Sampler sampler{.num_windows = 3, .pairs_per_step = 2, .seed = kSeed};
    return std::make_unique<BatchLoader>(
        sampler, 0, 1, 0, 8, LoaderConfig{.num_threads = num_threads, .read_ahead = 2},
        [&all = shards()] { return make_stem_maker(open_stems(all, at_1000_hz(), kSeed)); });
  }
  static FeatureConfig at_1000_hz() {
    FeatureConfig config;
    config.sample_rate_hz = 1000;
    return config;
  }

  const testing::TemporaryDirectory dir_;
  ExampleShard example_;
  std::unique_ptr<ShardSet> set_;
};

TEST_F(StemSourceTest, DrawsTheAudibleStemsOfAWindowWithGainAndKeyOfItsTrack) {
  const auto stems = open_stems(shards(), at_1000_hz(), kSeed);
  EXPECT_EQ(stems->num_samples(), 100);
  for (int64_t window = 0; window < 3; ++window) {
    const ShardWindow& where = example_.windows[static_cast<size_t>(window)];
    const int64_t key = shards().key_of(window);
    for (int64_t epoch = 0; epoch < 5; ++epoch) {
      const PairStems found = stems->stems_of(window, epoch);
      const SubmixChoice expected = choose_submixes(where.audible, kSeed, epoch, key);
      EXPECT_EQ(found.choice.anchor, expected.anchor);
      EXPECT_EQ(found.choice.positive, expected.positive);
      EXPECT_EQ(found.gain, example_.tracks[static_cast<size_t>(where.track)].gain);
      EXPECT_EQ(found.key, key);
    }
  }
}

TEST_F(StemSourceTest, ReadsTheSamplesOfTheWindow) {
  std::vector<int16_t> found(100);
  open_stems(shards(), at_1000_hz(), kSeed)->read(2, 1, found);
  for (int64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(found[static_cast<size_t>(i)], ExampleShard::sample(1, 1, 120 + i));
  }
}

TEST_F(StemSourceTest, StemsOfAnotherRateAreRefused) {
  EXPECT_THAT(error_of([&] { open_stems(shards(), FeatureConfig(), kSeed); }),
              AllOf(HasSubstr("train-0.h5"), HasSubstr("1000 Hz"), HasSubstr("16000 Hz")));
}

TEST_F(StemSourceTest, ShardsWithoutStemsAreRefusedWithWhatToDo) {
  example_.settings.has_stems = false;
  EXPECT_THAT(error_of([&] { open_stems(shards(), at_1000_hz(), kSeed); }),
              AllOf(HasSubstr("no stems"), HasSubstr("data.store: [stems]")));
}

TEST_F(StemSourceTest, ALoaderPacksTheSameStemsWithAnyNumberOfThreads) {
  const auto one = open_loader(1), many = open_loader(7);
  for (int64_t step = 0; step < 8; ++step) {
    const Batch expected = one->next(), found = many->next();
    EXPECT_EQ(found.step, step);
    EXPECT_EQ(found.window_ids, expected.window_ids);
    EXPECT_TRUE(found.stems->rows.equal(expected.stems->rows)) << step;
    EXPECT_TRUE(found.stems->first_rows.equal(expected.stems->first_rows)) << step;
    EXPECT_TRUE(found.stems->gains.equal(expected.stems->gains)) << step;
    EXPECT_TRUE(found.stems->keys.equal(expected.stems->keys)) << step;
  }
}

TEST_F(StemSourceTest, AShardThatLosesItsSamplesEndsTheLoaderWithItsName) {
  shards();
  std::filesystem::resize_file(dir_ / "train-0.h5", 100);
  EXPECT_THAT(error_of([&] {
                const auto loader = open_loader(2);
                for (int64_t step = 0; step < 8; ++step) loader->next();
              }),
              HasSubstr("train-0.h5"));
}

}  // namespace
}  // namespace cocola
