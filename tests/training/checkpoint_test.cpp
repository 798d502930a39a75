#include "training/checkpoint.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "base/atomic_file.h"
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

TEST(Checkpoint, StepsOfMoreThanEightDigitsAreOrderedAsNumbers) {
  const testing::TemporaryDirectory dir;
  Parts parts(1);
  write(dir.path(), parts, 99'999'999, 1);
  write(dir.path(), parts, 100'000'000, 1);
  EXPECT_FALSE(fs::exists(dir / "step_99999999.safetensors"));
  EXPECT_EQ(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-a")->step, 100'000'000);
}

TEST(Checkpoint, FilesOfOtherNamesAreLeftAlone) {
  const testing::TemporaryDirectory dir;
  Parts parts(1);
  const std::vector<std::string> names = {"step_best.safetensors", "step_.safetensors",
                                          "step_00000009.safetensors.damaged",
                                          ".step_00000009.safetensors.tmp.host.1.0"};
  for (const std::string& name : names) std::ofstream(dir / name) << "x";
  for (int64_t step = 1; step <= 2; ++step) write(dir.path(), parts, step, 1);
  EXPECT_EQ(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-a")->step, 2);
  for (const std::string& name : names) EXPECT_TRUE(fs::exists(dir / name)) << name;
}

void damage(const fs::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(fs::file_size(path) / 2));
  file.put('\x5a');
  file.put('\x5b');
}

TEST(Checkpoint, ADamagedNewestFallsBackToTheOneBefore) {
  const testing::TemporaryDirectory dir;
  Parts parts(1);
  for (int64_t step = 1; step <= 3; ++step) write(dir.path(), parts, step);
  damage(dir / "step_00000003.safetensors");
  EXPECT_EQ(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-a")->step, 2);
  fs::resize_file(dir / "step_00000002.safetensors", 100);
  EXPECT_EQ(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-a")->step, 1);
  fs::resize_file(dir / "step_00000001.safetensors", 10);
  EXPECT_THROW(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-a"), Error);
}

TEST(Checkpoint, ADamagedFileNeverPushesOutAnIntactOne) {
  const testing::TemporaryDirectory dir;
  Parts parts(1);
  write(dir.path(), parts, 3, 3);
  write(dir.path(), parts, 9, 3);
  damage(dir / "step_00000009.safetensors");
  // Pruning alone, before anybody noticed the damage.
  write(dir.path(), parts, 4, 1);
  EXPECT_TRUE(fs::exists(dir / "step_00000004.safetensors"));
  // The run continues from 4, and its next checkpoints come before the damaged one's step.
  ASSERT_EQ(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-a")->step, 4);
  EXPECT_TRUE(fs::exists(dir / "step_00000009.safetensors.damaged"));
  write(dir.path(), parts, 5, 1);
  EXPECT_EQ(load_newest_checkpoint(dir.path(), parts.flat, parts.adam, "run-a")->step, 5);
  EXPECT_FALSE(fs::exists(dir / "step_00000004.safetensors"));
}

// Each checkpoint is filled with its step. No error may escape into the test that forked.
[[noreturn]] void write_until_killed(const fs::path& directory, Parts& parts,
                                     int64_t step) noexcept {
  for (;; ++step) {
    std::fill_n(parts.flat.values().data_ptr<float>(), parts.flat.values().numel(),
                static_cast<float>(step));
    write(directory, parts, step, 2);
    write_best_checkpoint(directory, parts.flat, parts.adam, {step, 1.5, "run-a"}, 0.5);
  }
}

TEST(Checkpoint, AlwaysLoadsWhateverMomentItsWriterIsKilledAt) {
  at::set_num_threads(1);  // a forked child has no others
  const testing::TemporaryDirectory dir;
  Parts parts(1), loaded(2);
  std::mt19937 random(3);
  int64_t step = 0, num_interrupted = 0;
  bool had_best = false;
  // On a busy machine few kills hit the writing: then more are tried.
  const auto has_seen_enough = [&] { return step > 10 && had_best && num_interrupted > 20; };
  for (int turn = 0; turn < 200 || (turn < 4000 && !has_seen_enough()); ++turn) {
    const pid_t child = fork();
    if (child == 0) write_until_killed(dir.path(), parts, step + 1);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const auto position = load_newest_checkpoint(dir.path(), loaded.flat, loaded.adam, "run-a");
    if (position) {
      ASSERT_GE(position->step, step);
      step = position->step;
      ASSERT_TRUE((loaded.flat.values() == step).all().item<bool>()) << step;
    }
    const auto best = best_accuracy(dir.path(), "run-a");
    ASSERT_EQ(best.has_value(), fs::exists(dir / "best.safetensors"));
    ASSERT_TRUE(best || !had_best);
    had_best = best.has_value();
    for (const auto& entry : fs::directory_iterator(dir.path())) {
      const std::string name = entry.path().filename().string();
      ASSERT_FALSE(name.ends_with(".damaged")) << name;
      num_interrupted += name.starts_with(".");
    }
    sweep_stale_temporaries(dir.path());
  }
  EXPECT_TRUE(has_seen_enough()) << step << " steps, " << num_interrupted
                                 << " kills that hit the writing";
}

TEST(Checkpoint, TheBestIsNeitherCountedNorLoadedAmongTheOthers) {
  const testing::TemporaryDirectory dir;
  Parts best(1), newest(2), loaded(3);
  EXPECT_FALSE(best_accuracy(dir.path(), "run-a").has_value());
  write_best_checkpoint(dir.path(), best.flat, best.adam, {9, 1.5, "run-a"}, 0.1 + 0.2);
  EXPECT_FALSE(load_newest_checkpoint(dir.path(), loaded.flat, loaded.adam, "run-a").has_value());
  for (int64_t step = 1; step <= 3; ++step) write(dir.path(), newest, step, 1);
  EXPECT_EQ(load_newest_checkpoint(dir.path(), loaded.flat, loaded.adam, "run-a")->step, 3);
  EXPECT_EQ(best_accuracy(dir.path(), "run-a"), 0.1 + 0.2);
  EXPECT_FALSE(best_accuracy(dir.path(), "run-b").has_value());
  damage(dir / "best.safetensors");
  EXPECT_FALSE(best_accuracy(dir.path(), "run-a").has_value());
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
