#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace cocola {
namespace {

// The loops of the kernels are handed to LibTorch's threads by its own header, which asks the
// compiler for them.
TEST(Threads, WorkOfSourcesIsSharedByTheThreadsOfOperations) {
  at::set_num_threads(2);
  std::array<std::thread::id, 2> seen;
  at::parallel_for(0, 2, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      seen[static_cast<size_t>(i)] = std::this_thread::get_id();
    }
  });
  EXPECT_NE(seen[0], seen[1]);
  EXPECT_NE(seen[1], std::thread::id());
}

}  // namespace
}  // namespace cocola
