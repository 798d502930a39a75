#include "comm/communicator.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace cocola {
namespace {

TEST(WorldOfOne, CollectivesAreIdentities) {
  const auto world = open_host_world({});
  EXPECT_EQ(world->rank(), 0);
  EXPECT_EQ(world->world_size(), 1);
  EXPECT_EQ(world->local_size(), 1);
  EXPECT_TRUE(world->is_rank_zero());
  const at::Tensor tensor = at::arange(6, at::kDouble).view({2, 3});
  EXPECT_TRUE(world->all_gather(tensor).equal(tensor));
  const at::Tensor same = tensor.clone();
  world->all_reduce_sum(same);
  world->broadcast(same);
  world->barrier();
  EXPECT_TRUE(same.equal(tensor));
}

TEST(WorldOfOne, AbortLeavesTheEndToTheProgram) {
  abort_world(3);
  SUCCEED();
}

TEST(CommConfig, AcceptsDeadlinesBetweenASecondAndADay) {
  EXPECT_NO_THROW(CommConfig{1.0}.validate());
  EXPECT_NO_THROW(CommConfig{86400.0}.validate());
  for (const double bad : {0.0, 0.5, -1.0, 86401.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(CommConfig{bad}.validate(), UsageError) << bad;
  }
}

TEST(DeviceWorld, WithoutAGpuIsRefusedInWords) {
  if (num_cuda_devices() > 0) GTEST_SKIP() << "this machine has a GPU";
  const auto host = open_host_world({});
  try {
    open_device_world(*host, {});
    FAIL() << "opened a world without a GPU";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("CPU"));
  }
}

}  // namespace
}  // namespace cocola
