#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>

#include "base/process.h"
#include "faults/job.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using testing::Job;
using testing::Workplace;

TEST(Hung, AStoppedRankEndsTheJobWithItsRankHostAndStep) {
  for (const std::string stopped : {"1", "0"}) {
    const std::string other = stopped == "1" ? "0" : "1";
    const Workplace place;
    Job job(place, testing::small_training(
                       {"training.max_steps=100000", "training.comm.timeout_seconds=3"}));
    ASSERT_TRUE(testing::wait_for([&] { return testing::logged_steps(place) > 2; }, 60))
        << job.errors();
    const auto start = std::chrono::steady_clock::now();
    kill(job.rank(stopped).value(), SIGSTOP);
    const std::optional<int> status = job.wait(60);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(status) << job.errors();
    EXPECT_NE(*status, 0);
    EXPECT_LT(took.count(), 3 + 15) << "timeout and margin";
    EXPECT_TRUE(testing::wait_for([&] { return job.processes().empty(); }, 10));
    EXPECT_THAT(job.errors(),
                AllOf(HasSubstr("on rank " + other + " of 2: rank " + stopped + " (host " +
                                host_name() + ") did not call it within 3 s"),
                      ContainsRegex("\\(in (step|the validation after step|the checkpoint after "
                                    "step) [0-9]+\\)")));
    std::cout << "down " << took.count() << " s after the stop\n";
  }
}

}  // namespace
}  // namespace cocola
