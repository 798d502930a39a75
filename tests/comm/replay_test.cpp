#include "comm/replay.h"

#include <gtest/gtest.h>

namespace cocola {
namespace {

TEST(Replay, OnTheCpuTheWorkIsDoneEachTime) {
  const auto replay = open_replay(c10::kCPU);
  int times = 0;
  for (int run = 1; run <= 6; ++run) {
    replay->run([&] { ++times; });
    EXPECT_EQ(times, run);
  }
}

}  // namespace
}  // namespace cocola
