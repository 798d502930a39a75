#include "training/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"

namespace cocola {
namespace {

constexpr uint64_t kMaxNoteBytes = 4096;

std::string this_process() { return fmt::format("process {} on {}", getpid(), host_name()); }

}  // namespace

RunLock::RunLock(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "lock";
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file_ < 0) fail("run_lock", "{}: {}", path.string(), std::strerror(errno));
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int problem = errno;
    if (problem == EWOULDBLOCK) {
      close(file_);
      fail("run_lock",
           "{} is in use by {}; wait for its end, stop it, or choose another experiment name",
           directory.string(), read_file(path, kMaxNoteBytes));
    }
    log_warning("{}: {}; start no second job in this directory", path.string(),
                std::strerror(problem));
  }
  const std::string note = this_process();
  if (ftruncate(file_, 0) != 0 ||
      write(file_, note.data(), note.size()) != static_cast<ssize_t>(note.size())) {
    const int problem = errno;
    close(file_);
    fail("run_lock", "{}: writing failed: {}", path.string(), std::strerror(problem));
  }
}

RunLock::~RunLock() { close(file_); }

}  // namespace cocola
