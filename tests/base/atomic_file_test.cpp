#include "base/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/process.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

size_t count_files(const fs::path& directory) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

TEST(AtomicFile, WritesTheWholeContentAndLeavesNothingElse) {
  const testing::TemporaryDirectory dir;
  write_file_atomically(dir / "a", "first");
  write_file_atomically(dir / "a", std::string(3 << 20, 'x'));
  EXPECT_EQ(read_file(dir / "a", 1 << 30), std::string(3 << 20, 'x'));
  EXPECT_EQ(count_files(dir.path()), 1u);
}

TEST(AtomicFile, AnUnpublishedFileVanishes) {
  const testing::TemporaryDirectory dir;
  { const PendingFile pending(dir / "a"); }
  EXPECT_EQ(count_files(dir.path()), 0u);
}

TEST(AtomicFile, AMissingDirectoryIsNamed) {
  try {
    write_file_atomically("/nowhere/at/all/a", "x");
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("/nowhere/at/all/a"));
  }
}

// A file size limit stands for a full disk: the write fails half way.
TEST(AtomicFile, AFailedWriteKeepsTheOldFileAndLeavesNoTemporary) {
  const testing::TemporaryDirectory dir;
  write_file_atomically(dir / "a", "old");
  const pid_t child = fork();
  if (child == 0) {
    install_stop_signals();
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file_atomically(dir / "a", std::string(5000, 'y'));
    } catch (const Error& e) {
      _exit(std::string(e.what()).find("5000 bytes needed") != std::string::npos ? 0 : 2);
    }
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(read_file(dir / "a", 100), "old");
  EXPECT_EQ(count_files(dir.path()), 1u);
}

TEST(AtomicFile, TemporariesOfDeadProcessesAreSweptAndLivingOnesKept) {
  const testing::TemporaryDirectory dir;
  const pid_t child = fork();
  if (child == 0) {
    const PendingFile pending(dir / "dead");
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  const PendingFile living(dir / "living");
  EXPECT_EQ(count_files(dir.path()), 2u);
  sweep_stale_temporaries(dir.path());
  EXPECT_EQ(count_files(dir.path()), 1u);
  EXPECT_TRUE(fs::exists(living.temporary_path()));
}

TEST(AtomicFile, TemporariesOfAZombieAreSweptToo) {
  const testing::TemporaryDirectory dir;
  const pid_t child = fork();
  if (child == 0) {
    const PendingFile pending(dir / "dead");
    kill(getpid(), SIGKILL);
  }
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(count_files(dir.path()), 1u);
  sweep_stale_temporaries(dir.path());
  EXPECT_EQ(count_files(dir.path()), 0u);
  waitpid(child, nullptr, 0);
}

TEST(ReadFile, RefusesDirectoriesAndLargeFilesInWords) {
  const testing::TemporaryDirectory dir;
  EXPECT_THROW(read_file(dir.path(), 100), Error);
  std::ofstream(dir / "big") << std::string(200, 'x');
  try {
    read_file(dir / "big", 100);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("200 bytes, at most 100"));
  }
}

}  // namespace
}  // namespace cocola
