#include "eval/recording_cache.h"

#include <gtest/gtest.h>

#include "eval/music.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

class Recordings : public ::testing::Test {
 protected:
  // Files 0, 1, ... with three windows each, used so many times.
  RecordingCache open(const std::vector<int64_t>& uses, int64_t max_rows) {
    std::vector<RecordingUse> files;
    for (const int64_t num_uses : uses) {
      files.push_back({.file = std::to_string(files.size()),
                       .windows = shared_windows(3 * length_, 3 * length_, length_, 1.0),
                       .num_uses = num_uses});
    }
    return RecordingCache(
        model_, files,
        [this](const std::string& file) {
          ++num_reads_;
          if (file == "1") fail("reader", "{}: damaged", file);
          return testing::music(3 * length_, 0.02, std::stoull(file));
        },
        max_rows);
  }

  const testing::TemporaryDirectory directory_;
  const TrainedModel model_ = open_model(testing::write_small_model(directory_ / "m.safetensors"));
  const int64_t length_ = model_.window_samples();
  int64_t num_reads_ = 0;
};

TEST_F(Recordings, AreReadOnceAndForgottenAfterTheirLastUse) {
  RecordingCache cache = open({2, 0, 3}, RecordingCache::kMaxRows);
  cache.take(0);
  EXPECT_EQ(cache.take(2).both.size(0), 3);
  cache.release(0);
  cache.take(0);
  EXPECT_EQ(num_reads_, 2);
  EXPECT_EQ(cache.num_rows(), 6);
  cache.release(0);
  EXPECT_EQ(cache.num_rows(), 3);
  for (int i = 0; i < 3; ++i) cache.release(2);
  EXPECT_EQ(cache.num_rows(), 0);
}

TEST_F(Recordings, ADamagedOneIsReadOnceAndRefusedEachTime) {
  RecordingCache cache = open({1, 2}, RecordingCache::kMaxRows);
  EXPECT_THROW(cache.take(1), Error);
  EXPECT_THROW(cache.take(1), Error);
  EXPECT_EQ(num_reads_, 1);
}

TEST_F(Recordings, MakeRoomButForTheOneTakenLast) {
  RecordingCache cache = open({9, 0, 9, 9, 9}, 5);
  cache.take(0);
  cache.take(2);
  const RecordingEmbeddings& last = cache.take(0);
  const at::Tensor kept = last.both.clone();
  cache.take(3);  // forgets 2
  EXPECT_TRUE(last.both.equal(kept));
  EXPECT_EQ(cache.num_rows(), 6);
  cache.take(0);
  EXPECT_EQ(num_reads_, 3);
  cache.take(2);
  EXPECT_EQ(num_reads_, 4);
}

}  // namespace
}  // namespace cocola
