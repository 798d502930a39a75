#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "faults/job.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Job;
using ::testing::Not;
using testing::Workplace;
namespace fs = std::filesystem;

std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) files.push_back(entry.path());
  return files;
}

void expect_down_with_status_one(Job& job) {
  EXPECT_EQ(job.wait(60), 1) << job.errors();
  EXPECT_TRUE(testing::wait_for([&] { return job.processes().empty(); }, 10));
}

// A limit on the size of a file, set once the training runs, stands for a disk that fills up.
TEST(FullDisk, EndsTheJobInWordsAndKeepsTheLastCheckpoint) {
  const Workplace place;
  const std::vector<std::string> command =
      testing::small_training({"training.max_steps=100000", "training.checkpoint.every_steps=2"});
  const fs::path checkpoints = place / "runs/tiny/checkpoints";
  Job job(place, command);
  ASSERT_TRUE(
      testing::wait_for([&] { return fs::exists(checkpoints / "step_00000002.safetensors"); }, 60))
      << job.errors();
  const uint64_t half = fs::file_size(checkpoints / "step_00000002.safetensors") / 2;
  const rlimit limit{half, half};
  ASSERT_EQ(prlimit(job.rank("0").value(), RLIMIT_FSIZE, &limit, nullptr), 0);
  expect_down_with_status_one(job);
  EXPECT_THAT(job.errors(), AllOf(HasSubstr("runs/tiny/checkpoints/step_"), HasSubstr("failed"),
                                  HasSubstr("bytes needed"), HasSubstr("bytes free"),
                                  HasSubstr("(in the checkpoint after step")));
  const std::string errors = job.errors();
  EXPECT_EQ(errors.find("cocola_ddp: ["), errors.rfind("cocola_ddp: [")) << "more than one reason";
  for (const fs::path& path : files_in(checkpoints)) {
    EXPECT_THAT(path.filename().string(), Not(HasSubstr(".tmp."))) << "a partial file is left";
    EXPECT_GT(fs::file_size(path), half);
  }
  // With room again the run goes on.
  auto again = command;
  again.insert(again.end(), {"--set", "training.max_steps=0", "--set", "training.epochs=1"});
  Job next(place, again);
  ASSERT_TRUE(testing::wait_for(
      [&] { return next.errors().find("continuing after step") != std::string::npos; }, 60))
      << next.errors();
}

class LostShard : public ::testing::Test {
 protected:
  LostShard()
      : shards_(place_.own("shards") / "tiny"),
        job_(place_, testing::small_training(
                         {"training.max_steps=80", "training.comm.timeout_seconds=20"})) {
    EXPECT_TRUE(testing::wait_for([&] { return testing::logged_steps(place_) > 2; }, 60))
        << job_.errors();
  }
  template <typename Damage>
  void damage_all(const Damage& damage) {
    for (const fs::path& path : files_in(shards_)) {
      if (path.extension() == ".h5") damage(path);
    }
  }

  const Workplace place_;
  const fs::path shards_;
  Job job_;
};

TEST_F(LostShard, RemovedWhileTheTrainingRunsStaysReadable) {
  damage_all([](const fs::path& path) { fs::remove(path); });
  EXPECT_EQ(job_.wait(180), 0) << job_.errors();
}

TEST_F(LostShard, CutWhileTheTrainingRunsEndsTheJobAndIsNamed) {
  damage_all([](const fs::path& path) { fs::resize_file(path, 4096); });
  expect_down_with_status_one(job_);
  EXPECT_THAT(job_.errors(), AllOf(HasSubstr(".h5"), HasSubstr("(in ")));
}

}  // namespace
}  // namespace cocola
