#include "comm/launch_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"

namespace cocola {
namespace {

using Variables = std::map<std::string, std::string>;
using ::testing::AllOf;
using ::testing::HasSubstr;

LaunchEnvironment read(const Variables& variables) {
  return read_launch_environment([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal(const Variables& variables) {
  try {
    read(variables);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(LaunchEnvironment, NoLauncherIsAWorldOfOne) { EXPECT_FALSE(read({}).has_launcher); }

TEST(LaunchEnvironment, MpirunSaysItsSize) {
  const LaunchEnvironment launch = read({{"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "2"}});
  EXPECT_TRUE(launch.has_launcher);
  EXPECT_EQ(launch.claimed_world_size, 4);
  EXPECT_EQ(launch.claimed_by, "OMPI_COMM_WORLD_SIZE");
}

TEST(LaunchEnvironment, MpirunInsideASlurmStepDecides) {
  EXPECT_EQ(read({{"OMPI_COMM_WORLD_SIZE", "4"},
                  {"SLURM_STEP_ID", "0"},
                  {"SLURM_PROCID", "0"},
                  {"SLURM_NTASKS", "2"}})
                .claimed_world_size,
            4);
}

TEST(LaunchEnvironment, SrunWithPmixSaysTheSizeOfTheStep) {
  Variables variables = {
      {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"PMIX_RANK", "0"}};
  EXPECT_EQ(read(variables).claimed_world_size, 8);
  variables["SLURM_STEP_NUM_TASKS"] = "2";
  EXPECT_EQ(read(variables).claimed_world_size, 2);
  EXPECT_TRUE(read(variables).has_launcher);
}

TEST(LaunchEnvironment, SrunWithoutPmixIsRefusedWithBothNumbers) {
  const auto names_all = AllOf(HasSubstr("SLURM_NTASKS=3"), HasSubstr("world of 1"),
                               HasSubstr("srun --mpi=pmix"), HasSubstr("mpirun"));
  EXPECT_THAT(refusal({{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "3"}}),
              names_all);
  EXPECT_THAT(refusal({{"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "3"}}), names_all);
}

TEST(LaunchEnvironment, OneTaskOfSlurmNeedsNoMpi) {
  EXPECT_FALSE(
      read({{"SLURM_STEP_ID", "3"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}}).has_launcher);
}

TEST(LaunchEnvironment, ABatchScriptOfSeveralTasksMayRunAProgramAlone) {
  EXPECT_FALSE(read({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}}).has_launcher);
}

TEST(LaunchEnvironment, AShellInsideAnAllocationMayRunAProgramAlone) {
  EXPECT_FALSE(read({{"SLURM_STEP_ID", "4294967290"},
                     {"SLURM_PROCID", "0"},
                     {"SLURM_STEP_NUM_TASKS", "1"},
                     {"SLURM_NTASKS", "8"}})
                   .has_launcher);
}

TEST(LaunchEnvironment, OtherMpisSayTheirSize) {
  EXPECT_EQ(read({{"PMI_RANK", "0"}, {"PMI_SIZE", "6"}}).claimed_world_size, 6);
}

TEST(LaunchEnvironment, PmixAloneClaimsNoSize) {
  EXPECT_TRUE(read({{"PMIX_RANK", "0"}}).has_launcher);
  EXPECT_EQ(read({{"PMIX_RANK", "0"}}).claimed_world_size, 0);
}

TEST(LaunchEnvironment, RefusesSizesThatAreNoNumbers) {
  for (const char* bad : {"", "four", "4x", "0", "-2", "99999999999999999999"}) {
    EXPECT_THAT(refusal({{"OMPI_COMM_WORLD_SIZE", bad}}),
                AllOf(HasSubstr("OMPI_COMM_WORLD_SIZE="), HasSubstr("not a number of ranks")));
  }
}

}  // namespace
}  // namespace cocola
