#include "training/checkpoint.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "support/temporary_directory.h"
#include "training/synthetic.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

struct Parts {
  explicit Parts(uint64_t seed)
      : model(testing::small_model_config(), 2, seed), flat(model.state()), adam(flat.values()) {}
  CocolaModel model;
  FlatParameters flat;
  Adam adam;
};

void write(const fs::path& directory, Parts& parts, int64_t step, int64_t keep = 3) {
  parts.adam.set_num_steps(step);
  write_checkpoint(directory, parts.flat, parts.adam, {step, 1.5, "run-a"}, keep);
}

TEST(Checkpoint, RestoresEveryValue) {
  const testing::TemporaryDirectory dir;
  Parts saved(1), loaded(2);
  saved.adam.first_moment().uniform_();
  saved.adam.second_moment().uniform_();
  saved.flat.running().uniform_();
  write(dir.path(), saved, 7);
  ASSERT_FALSE(at::equal(saved.flat.values(), loaded.flat.values()));
  const auto position = load_newest_checkpoint(dir.path(), loaded.flat, loaded.adam, "run-a");
  ASSERT_TRUE(position.has_value());
  EXPECT_EQ(position->step, 7);
  EXPECT_EQ(position->trained_seconds, 1.5);
  EXPECT_EQ(loaded.adam.num_steps(), 7);
  EXPECT_TRUE(at::equal(saved.flat.values(), loaded.flat.values()));
  EXPECT_TRUE(at::equal(saved.flat.running(), loaded.flat.running()));
  EXPECT_TRUE(at::equal(saved.adam.first_moment(), loaded.adam.first_moment()));
  EXPECT_TRUE(at::equal(saved.adam.second_moment(), loaded.adam.second_moment()));
}

TEST(Checkpoint, AnEmptyDirectoryIsAFreshStart) {
  const testing::TemporaryDirectory dir;
  Parts parts(1);
  EXPECT_FALSE(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "x").has_value());
  EXPECT_FALSE(load_newest_checkpoint(dir / "absent", parts.flat, parts.adam, "x").has_value());
}

TEST(Checkpoint, OnlyTheNewestAreKept) {
  const testing::TemporaryDirectory dir;
  Parts parts(1);
  for (int64_t step = 1; step <= 5; ++step) write(dir.path(), parts, step, 2);
  EXPECT_FALSE(fs::exists(dir / "step_00000003.safetensors"));
  EXPECT_TRUE(fs::exists(dir / "step_00000004.safetensors"));
  EXPECT_TRUE(fs::exists(dir / "step_00000005.safetensors"));
}

TEST(Checkpoint, ADamagedNewestFallsBackToTheOneBefore) {
  const testing::TemporaryDirectory dir;
  Parts parts(1);
  write(dir.path(), parts, 1);
  write(dir.path(), parts, 2);
  const fs::path newest = dir / "step_00000002.safetensors";
  {
    std::fstream file(newest, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(newest) / 2));
    file.put('\x5a');
    file.put('\x5b');
  }
  EXPECT_EQ(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-a")->step, 1);
  fs::resize_file(newest, 100);
  EXPECT_EQ(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-a")->step, 1);
  fs::resize_file(dir / "step_00000001.safetensors", 10);
  EXPECT_THROW(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-a"), Error);
}

TEST(Checkpoint, AnotherRunsCheckpointIsRefusedInWords) {
  const testing::TemporaryDirectory dir;
  Parts parts(1);
  write(dir.path(), parts, 1);
  try {
    load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-b");
    FAIL() << "no error";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("run-a"));
    EXPECT_THAT(e.what(), HasSubstr("run-b"));
  }
}

}  // namespace
}  // namespace cocola
