#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <random>

#include "base/digest.h"
#include "faults/job.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
using testing::Job;
using ::testing::Not;
using testing::Workplace;
namespace fs = std::filesystem;

constexpr int kKills = 20;

// Promised are 10 s; a machine that is busy with other tests gets more.
constexpr double kDownSeconds = 30.0;

std::vector<std::string> training_to(int64_t step) {
  return testing::small_training({"training.max_steps=" + std::to_string(step),
                                  "training.checkpoint.every_steps=1", "training.checkpoint.keep=2",
                                  "training.validate_every_steps=3"});
}

// Kills a rank, the launcher or everything, in turn.
void kill_part(const Job& job, int turn) {
  if (turn % 4 == 2) {
    kill(job.launcher(), SIGKILL);
    return;
  }
  for (const auto& [pid, rank] : job.processes()) {
    if (turn % 4 == 3 || rank == std::to_string(turn % 4)) kill(pid, SIGKILL);
  }
}

int64_t newest_step(const Workplace& place) {
  int64_t newest = 0;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(place / "runs/tiny/checkpoints", absent)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step_")) newest = std::max<int64_t>(newest, std::stoll(name.substr(5)));
  }
  return newest;
}

// The metadata of a model hold the settings of the leg that wrote it.
std::string tensors_of(const fs::path& path) {
  const std::string bytes = read_file(path, 1 << 28);
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  return bytes.substr(sizeof header + header);
}

// The moments are seeded, but time decides what they hit: a start, a step, a validation, the
// writing of a checkpoint or of the best model.
TEST(Killed, RunsThatAreKilledAtRandomMomentsEndAsOneThatWasNot) {
  const Workplace killed, whole;
  std::mt19937 random(7);
  double slowest = 0.0;
  int64_t reached = 0;
  for (int turn = 0; turn < kKills; ++turn) {
    Job job(killed, training_to(100'000));
    const int64_t steps = testing::logged_steps(killed);
    const bool at_start = turn % 5 == 4;
    ASSERT_TRUE(testing::wait_for(
        [&] {
          return at_start ? job.rank("0") && job.rank("1") : testing::logged_steps(killed) != steps;
        },
        60))
        << job.errors();
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
    const auto start = std::chrono::steady_clock::now();
    kill_part(job, turn);
    const std::optional<int> status = job.wait(kDownSeconds);
    ASSERT_TRUE(status) << "turn " << turn << ": the job still runs";
    EXPECT_NE(*status, 0);
    EXPECT_TRUE(testing::wait_for([&] { return job.processes().empty(); }, kDownSeconds))
        << "turn " << turn << ": a process is left";
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    slowest = std::max(slowest, took.count());
    // Only the launcher speaks of the end; a rank that lives has nothing to add.
    EXPECT_THAT(job.errors(), Not(HasSubstr("error"))) << "turn " << turn;
    EXPECT_GE(newest_step(killed), reached) << "turn " << turn;
    reached = newest_step(killed);
  }
  std::cout << kKills << " kills, down within " << slowest << " s, " << reached << " steps\n";
  EXPECT_GT(reached, 2);
  for (const Workplace* place : {&killed, &whole}) {
    Job job(*place, training_to(reached + 2));
    ASSERT_EQ(job.wait(120), 0) << job.errors();
  }
  const fs::path run = "runs/tiny";
  const std::string last = fmt::format("checkpoints/step_{:08}.safetensors", reached + 2);
  for (const char* name : {"model.safetensors", "best.safetensors"}) {
    EXPECT_TRUE(tensors_of(killed / (run / name)) == tensors_of(whole / (run / name))) << name;
  }
  for (const std::string& name : {last, std::string("checkpoints/best.safetensors")}) {
    EXPECT_EQ(digest_of_file(killed / (run / name)), digest_of_file(whole / (run / name))) << name;
  }
  for (const fs::path& directory : {run, run / "checkpoints"}) {
    for (const auto& entry : fs::directory_iterator(killed / directory)) {
      EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr(".tmp."))) << "swept at start";
      EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr(".damaged")));
    }
  }
}

// Each leg is killed on another world than the one before.
TEST(Killed, AnInvariantRunGoesOnOnOtherRanksAndEndsWithTheSameBytes) {
  constexpr int64_t kLastStep = 16;
  const auto training_on = [](int ranks) {
    return testing::small_training(
        {"training.max_steps=" + std::to_string(kLastStep), "training.checkpoint.every_steps=1",
         "training.validate_every_steps=3", "training.reproducible=invariant",
         "training.pairs_per_step=8", "training.log_every_steps=1"},
        ranks);
  };
  const Workplace killed, whole;
  for (const int ranks : {2, 4, 1}) {
    Job job(killed, training_on(ranks));
    const int64_t steps = testing::logged_steps(killed);
    ASSERT_TRUE(testing::wait_for([&] { return testing::logged_steps(killed) > steps + 1; }, 60))
        << job.errors();
    kill_part(job, 3);
    ASSERT_TRUE(job.wait(kDownSeconds));
  }
  EXPECT_LT(newest_step(killed), kLastStep) << "the last leg had nothing left to do";
  Job last(killed, training_on(4)), undisturbed(whole, training_on(2));
  ASSERT_EQ(last.wait(120), 0) << last.errors();
  ASSERT_EQ(undisturbed.wait(120), 0) << undisturbed.errors();
  for (const char* name :
       {"model.safetensors", "best.safetensors", "checkpoints/step_00000016.safetensors",
        "checkpoints/best.safetensors"}) {
    const fs::path file = fs::path("runs/tiny") / name;
    EXPECT_EQ(digest_of_file(killed / file), digest_of_file(whole / file)) << name;
  }
}

}  // namespace
}  // namespace cocola
