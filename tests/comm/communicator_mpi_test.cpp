#include "comm/communicator.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/process.h"
#include "comm/mpi_test_world.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::test_world;

// 20 MB: several pieces of a message, the last one short.
constexpr int64_t kLarge = 5'000'001;

template <typename Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool equal_bytes_everywhere(const at::Tensor& tensor) {
  const at::Tensor all = test_world().all_gather(tensor.unsqueeze(0));
  return all.eq(all.narrow(0, 0, 1)).all().item<bool>();
}

TEST(MpiWorld, RanksOfOneHostAreLocal) {
  EXPECT_EQ(test_world().local_rank(), test_world().rank());
  EXPECT_EQ(test_world().local_size(), test_world().world_size());
}

TEST(MpiWorld, AllGatherKeepsRankOrderForEveryType) {
  const int64_t n = test_world().world_size();
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong, at::kByte}) {
    const at::Tensor whole = at::arange(n * 6, at::TensorOptions(type)).view({2 * n, 3});
    const at::Tensor mine = whole.narrow(0, 2 * test_world().rank(), 2).contiguous();
    EXPECT_TRUE(test_world().all_gather(mine).equal(whole)) << type;
  }
}

TEST(MpiWorld, AllGatherPutsLargeBlocksInRankOrder) {
  const at::Tensor mine = at::arange(kLarge, at::kFloat) + static_cast<float>(test_world().rank());
  const at::Tensor all = test_world().all_gather(mine);
  for (int64_t r = 0; r < test_world().world_size(); ++r) {
    EXPECT_TRUE(all.narrow(0, r * kLarge, kLarge)
                    .equal(at::arange(kLarge, at::kFloat) + static_cast<float>(r)));
  }
}

TEST(MpiWorld, AllGatherResultIsACopy) {
  const at::Tensor mine = at::zeros({1});
  test_world().all_gather(mine).fill_(1.0);
  EXPECT_EQ(mine.item<float>(), 0.0F);
}

TEST(MpiWorld, SumOfIntegersIsExactForEveryTypeAndSize) {
  const int64_t n = test_world().world_size();
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong, at::kByte}) {
    for (const int64_t size : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{3}, int64_t{7}}) {
      const at::Tensor sum = at::arange(size, at::TensorOptions(type)) * (test_world().rank() + 1);
      test_world().all_reduce_sum(sum);
      EXPECT_TRUE(sum.equal(at::arange(size, at::TensorOptions(type)) * (n * (n + 1) / 2)))
          << size << " of " << type;
    }
  }
}

TEST(MpiWorld, SumOfALargeTensorIsExact) {
  const int64_t n = test_world().world_size();
  const at::Tensor base = at::arange(kLarge, at::kFloat).remainder(1000.0);
  const at::Tensor sum = base * static_cast<float>(test_world().rank() + 1);
  test_world().all_reduce_sum(sum);
  EXPECT_TRUE(sum.equal(base * static_cast<float>(n * (n + 1) / 2)));
}

TEST(MpiWorld, SumHasTheSameBytesOnEveryRank) {
  const at::Tensor sum = at::sin(at::arange(1001, at::kFloat) * (12.9F + test_world().rank()));
  test_world().all_reduce_sum(sum);
  EXPECT_TRUE(equal_bytes_everywhere(sum));
}

TEST(MpiWorld, SumIsABinaryTreeOverRanks) {
  const at::Tensor mine = at::sin(at::arange(1001, at::kFloat) * (12.9F + test_world().rank()));
  std::vector<at::Tensor> level = test_world().all_gather(mine.unsqueeze(0)).unbind();
  while (level.size() > 1) {
    std::vector<at::Tensor> next;
    for (size_t i = 0; i < level.size(); i += 2) {
      next.push_back(i + 1 < level.size() ? level[i] + level[i + 1] : level[i]);
    }
    level = next;
  }
  test_world().all_reduce_sum(mine);
  EXPECT_TRUE(mine.equal(level.front()));
}

TEST(MpiWorld, BroadcastGivesTheTensorOfRankZero) {
  for (const int64_t size : {int64_t{1}, kLarge}) {
    const at::Tensor tensor =
        at::arange(size, at::kFloat) * static_cast<float>(test_world().rank() + 1);
    test_world().broadcast(tensor);
    EXPECT_TRUE(tensor.equal(at::arange(size, at::kFloat)));
  }
}

TEST(MpiWorld, RefusesTensorsItCannotMove) {
  const at::Tensor matrix = at::zeros({4, 4});
  EXPECT_THAT(message_of([&] { test_world().all_reduce_sum(matrix.t().narrow(1, 0, 2)); }),
              HasSubstr("not contiguous"));
  EXPECT_THAT(message_of([&] { test_world().broadcast(at::zeros({1}, at::kHalf)); }),
              HasSubstr("float32, float64, int64 and uint8"));
  EXPECT_THAT(message_of([&] { test_world().all_gather(at::zeros({})); }),
              HasSubstr("no first dimension"));
  EXPECT_THAT(message_of([&] { test_world().broadcast(at::Tensor()); }), HasSubstr("undefined"));
}

TEST(MpiWorld, EqualTextsPassAndOthersNameRankAndLine) {
  require_equal_everywhere(test_world(), "config", "seed: 1\nepochs: 3\n");
  require_equal_everywhere(test_world(), "config", "");
  if (test_world().world_size() == 1) return;
  const int64_t last = test_world().world_size() - 1;
  const std::string text =
      test_world().rank() == last ? "seed: 1\nepochs: 31" : "seed: 1\nepochs: 3";
  EXPECT_THAT(message_of([&] { require_equal_everywhere(test_world(), "config", text); }),
              AllOf(HasSubstr("config differs"), HasSubstr("rank 0 has \"epochs: 3\" in line 2"),
                    HasSubstr("rank " + std::to_string(last) + " has \"epochs: 31\"")));
}

TEST(MpiWorld, RanksWithTheSameTextAreCounted) {
  const int64_t n = test_world().world_size();
  EXPECT_EQ(count_ranks_with(test_world(), "host:0011"), n);
  const bool odd = test_world().rank() % 2 == 1;
  EXPECT_EQ(count_ranks_with(test_world(), odd ? "host:0011" : "host:00110"),
            odd ? n / 2 : (n + 1) / 2);
}

TEST(MpiWorld, ABarrierWithADeadlineOfItsOwnWaitsAccordingly) {
  if (test_world().world_size() == 1) return;
  const auto impatient = open_host_world({.timeout_seconds = 1.0});
  const bool late = test_world().rank() == 0;
  if (late) std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  EXPECT_EQ(message_of([&] { impatient->barrier_within(60.0); }), "no error");
  if (late) std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  const std::string after = message_of([&] { impatient->barrier(); });
  if (!late) {
    EXPECT_THAT(after, HasSubstr("rank 0 (host " + host_name() + ") did not call it within 1 s"));
  }
  test_world().barrier();
}

TEST(MpiWorld, DifferentCallsAreRefusedOnEveryRank) {
  if (test_world().world_size() == 1) return;
  const auto second = open_host_world({});
  const bool is_last = test_world().rank() == test_world().world_size() - 1;
  EXPECT_THAT(message_of([&] { second->all_gather(at::zeros({is_last ? 3 : 2})); }),
              AllOf(HasSubstr("all_gather of 8 bytes"), HasSubstr("all_gather of 12 bytes")));
  EXPECT_THAT(message_of([&] { second->barrier(); }), HasSubstr("earlier collective failed"));
  test_world().barrier();
}

TEST(MpiWorld, ARankThatDoesNotComeIsNamedAfterTheDeadline) {
  if (test_world().world_size() == 1) return;
  const auto impatient = open_host_world({.timeout_seconds = 1.0});
  const int64_t last = test_world().world_size() - 1;
  if (test_world().rank() != last) {
    EXPECT_THAT(message_of([&] { impatient->all_reduce_sum(at::zeros({4})); }),
                AllOf(HasSubstr("all_reduce_sum on rank " + std::to_string(test_world().rank())),
                      HasSubstr("rank " + std::to_string(last) + " (host " + host_name() +
                                ") did not call it within 1 s")));
  }
  test_world().barrier();
}

}  // namespace
}  // namespace cocola
