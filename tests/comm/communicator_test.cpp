#include "comm/communicator.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <type_traits>

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

// Only its place on the host counts.
class PlacedRank final : public Communicator {
 public:
  PlacedRank(int64_t local_rank, int64_t local_size)
      : local_rank_(local_rank), local_size_(local_size) {}
  int64_t rank() const override { return local_rank_; }
  int64_t world_size() const override { return local_size_; }
  int64_t local_rank() const override { return local_rank_; }
  int64_t local_size() const override { return local_size_; }
  at::Tensor all_gather(const at::Tensor& local) override { return local; }
  void all_reduce_sum(at::Tensor) override {}
  void broadcast(at::Tensor) override {}
  void barrier() override {}
  void barrier_within(double) override {}

 private:
  int64_t local_rank_, local_size_;
};

TEST(GpuOfARank, IsItsLocalRankOrSharedOnRequest) {
  unsetenv("COCOLA_SHARE_GPU");
  for (int64_t rank = 0; rank < 4; ++rank) EXPECT_EQ(gpu_of(PlacedRank(rank, 4), 8), rank);
  EXPECT_THROW(gpu_of(PlacedRank(0, 1), 0), Error);
  try {
    gpu_of(PlacedRank(0, 4), 2);
    FAIL() << "four ranks got two GPUs";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("4 ranks on this host but only 2 GPUs"));
  }
  setenv("COCOLA_SHARE_GPU", "1", 1);
  for (int64_t rank = 0; rank < 4; ++rank) EXPECT_EQ(gpu_of(PlacedRank(rank, 4), 2), rank % 2);
  unsetenv("COCOLA_SHARE_GPU");
}

TEST(Communicator, IsNoValue) {
  static_assert(!std::is_copy_constructible_v<PlacedRank> &&
                !std::is_copy_assignable_v<PlacedRank>);
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
