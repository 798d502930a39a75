#include "training/run_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "base/error.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(RunLock, ASecondJobIsRefusedWithTheProcessThatHoldsIt) {
  const testing::TemporaryDirectory dir;
  std::optional<RunLock> first(dir.path());
  try {
    const RunLock second(dir.path());
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr(dir.path().string()),
                                HasSubstr(fmt::format("process {} on ", getpid()))));
  }
  first.reset();
  EXPECT_NO_THROW(RunLock(dir.path()));
}

TEST(RunLock, TheLockOfADeadProcessIsTakenOver) {
  const testing::TemporaryDirectory dir;
  const pid_t child = fork();
  if (child == 0) {
    const RunLock held(dir.path());
    _exit(0);  // without its destructor
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  ASSERT_TRUE(std::filesystem::exists(dir / "lock"));
  EXPECT_NO_THROW(RunLock(dir.path()));
}

TEST(RunLock, ADirectoryThatIsNotThereIsNamed) {
  const testing::TemporaryDirectory dir;
  EXPECT_THROW(RunLock(dir / "absent"), Error);
}

}  // namespace
}  // namespace cocola
