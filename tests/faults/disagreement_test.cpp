#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "faults/job.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Job;
using testing::Workplace;
namespace fs = std::filesystem;

// Two ranks that were started with settings of their own.
std::vector<std::string> unequal_ranks(const std::vector<std::string>& of_first,
                                       const std::vector<std::string>& of_second) {
  std::vector<std::string> command = {"mpirun", "--oversubscribe", "--bind-to", "none"};
  const std::vector<std::string> program = {"-np", "1", COCOLA_BIN "/cocola_ddp", "--config",
                                            testing::kTiny};
  for (const auto& settings : {of_first, of_second}) {
    command.insert(command.end(), program.begin(), program.end());
    for (const std::string& setting : settings) command.insert(command.end(), {"--set", setting});
    command.push_back(":");
  }
  command.pop_back();
  return command;
}

void expect_refused(const Workplace& place, Job& job, const std::string& first,
                    const std::string& second) {
  EXPECT_EQ(job.wait(60), 1) << job.errors();
  EXPECT_THAT(job.errors(),
              AllOf(HasSubstr("differs between ranks"), HasSubstr(first), HasSubstr(second)));
  EXPECT_FALSE(fs::exists(place / "runs/tiny/log.jsonl")) << "a step was taken";
}

TEST(Disagreement, OfSettingsIsRefusedBeforeTheFirstStep) {
  const Workplace place;
  Job job(place, unequal_ranks({"training.seed=3"}, {"training.seed=4"}));
  expect_refused(place, job, "seed: 3", "seed: 4");
}

// One path, two hosts, and not the same files: here a relative path in two directories.
TEST(Disagreement, OfDataIsRefusedBeforeTheFirstStep) {
  const Workplace place, other;
  fs::remove(other / "shards");
  const auto made = other.run("cocola_preprocess",
                              {"--config", testing::kTiny, "--set", "data.tracks_per_shard=3"});
  ASSERT_EQ(made.status, 0) << made.errors;
  std::vector<std::string> command = unequal_ranks({}, {});
  const auto second = std::find(command.begin(), command.end(), ":") + 1;
  command.insert(second, {"-wdir", (other / "").string()});
  Job job(place, command);
  expect_refused(place, job, "shards/tiny/manifest.json", "digest ");
}

}  // namespace
}  // namespace cocola
