// Runs the tests of *_mpi_test.cpp on every rank of a world. Rank 0 reports as usual, the others
// only what fails; all leave with the same status.
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include "comm/mpi_test_world.h"
#include "comm/through_device.h"
#include "training/precision.h"
#include "training/reproducibility.h"

namespace {

using cocola::testing::ThroughDevice;

constexpr int kSkipped = 77;  // ctest's, for programs
constexpr cocola::CommConfig kLimits{.timeout_seconds = 60.0};

std::unique_ptr<cocola::Communicator> host, gpus, world;
at::Device device = at::kCPU;

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

// Puts the tests on GPUs; ranks share them where COCOLA_SHARE_GPU=1 allows it. False without one.
bool move_to_gpus() {
  const int64_t found = cocola::num_cuda_devices();
  if (found == 0) return false;
  device = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(cocola::gpu_of(*host, found)));
  cocola::set_determinism(cocola::Reproducibility::same_world);
  cocola::set_product_precision(cocola::Precision::fp32);
  gpus = cocola::open_device_world(*host, kLimits);
  world = std::make_unique<ThroughDevice>(*gpus, device);
  return true;
}

int run_tests() {
  host = cocola::open_host_world(kLimits);
  const char* wanted = std::getenv("COCOLA_TEST_DEVICE");
  if (wanted == nullptr || std::string(wanted) != "cuda") {
    world = std::move(host);
  } else if (!move_to_gpus()) {
    if (host->is_rank_zero()) std::puts("skipped: no GPU");
    return kSkipped;
  }
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
at::Device cocola::testing::test_device() { return device; }

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  try {
    const int status = run_tests();
    world.reset();
    gpus.reset();
    host.reset();
    return status;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    cocola::abort_world(1);
    return 1;
  }
}
