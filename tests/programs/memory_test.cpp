#include <gtest/gtest.h>
#include <sys/resource.h>

#include <regex>

#include "programs/program.h"

namespace cocola {
namespace {

using testing::kTiny;
using testing::ProgramResult;
using testing::Workplace;

TEST(Memory, ATrainingTakesAboutWhatItsStartScreenSays) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer keeps memory of its own";
#endif
  const Workplace place;
  std::vector<std::string> arguments = {"--config", kTiny};
  for (const char* setting :
       {"model.width=1", "model.depth=1", "model.embedding_size=512", "training.max_steps=2",
        "training.pairs_per_group=16", "training.recompute_statistics=0"}) {
    arguments.insert(arguments.end(), {"--set", setting});
  }
  const ProgramResult result = place.run("cocola_ddp", arguments);
  ASSERT_EQ(result.status, 0) << result.errors;
  std::smatch estimate;
  ASSERT_TRUE(std::regex_search(result.errors, estimate, std::regex("about ([0-9.]+) GB a rank")))
      << result.errors;
  rusage usage{};
  ASSERT_EQ(getrusage(RUSAGE_CHILDREN, &usage), 0);
  const double measured = static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
  const double ratio = std::stod(estimate[1]) / measured;
  RecordProperty("estimate_over_measured", std::to_string(ratio));
  EXPECT_GT(ratio, 0.9) << measured;
  // A build without CUDA lacks 0.3 GB of libraries that the estimate counts.
  EXPECT_LT(ratio, 1.8) << measured;
}

}  // namespace
}  // namespace cocola
