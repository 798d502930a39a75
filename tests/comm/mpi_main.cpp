// Runs the tests of *_mpi_test.cpp on every rank of a world. Rank 0 reports as usual, the others
// only what fails; all leave with the same status.
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "comm/mpi_test_world.h"

namespace {

std::unique_ptr<cocola::Communicator> world;

class FailuresOfThisRank final : public ::testing::EmptyTestEventListener {
 public:
  void OnTestStart(const ::testing::TestInfo& test) override {
    test_ = std::string(test.test_suite_name()) + "." + test.name();
  }
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "rank %d: %s: %s:%d: %s\n", static_cast<int>(world->rank()), test_.c_str(),
                 result.file_name() ? result.file_name() : "", result.line_number(),
                 result.message());
  }

 private:
  std::string test_;
};

int run_tests() {
  world = cocola::open_host_world({.timeout_seconds = 60.0});
  if (!world->is_rank_zero()) {
    ::testing::TestEventListeners& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailuresOfThisRank);
  }
  const at::Tensor failures = at::full({1}, static_cast<int64_t>(RUN_ALL_TESTS()), at::kLong);
  world->all_reduce_sum(failures);
  return failures.item<int64_t>() == 0 ? 0 : 1;
}

}  // namespace

cocola::Communicator& cocola::testing::test_world() { return *world; }

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  try {
    const int status = run_tests();
    world.reset();
    return status;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    cocola::abort_world(1);
    return 1;
  }
}
