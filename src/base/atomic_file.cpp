#include "base/atomic_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "base/process.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

[[noreturn]] void fail_write(const fs::path& path, const char* operation, int error,
                             uint64_t needed) {
  std::error_code ignored;
  const fs::space_info space = fs::space(directory_of(path), ignored);
  fail("atomic_file", "{}: {} failed: {} ({} bytes needed, {} bytes free on its file system)",
       path.string(), operation, std::strerror(error), needed, ignored ? 0 : space.available);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int close() {
    const int result = ::close(fd_);
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

void flush_directory(const fs::path& directory) {
  const Descriptor fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some network file systems refuse to flush a directory; the rename itself already happened.
  if (fd.get() < 0 || (fsync(fd.get()) != 0 && errno != EINVAL && errno != ENOTSUP)) {
    fail("atomic_file", "{}: flushing the directory failed: {}", directory.string(),
         std::strerror(errno));
  }
}

// A process that has ended may stay in the table until its parent asks for it (a zombie).
bool is_running(pid_t pid) {
  if (pid <= 0 || (kill(pid, 0) != 0 && errno != EPERM)) return false;
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(stat, text)) return true;
  const size_t state = text.rfind(')') + 2;  // "12 (name) S ..."
  return state >= text.size() || (text[state] != 'Z' && text[state] != 'X');
}

}  // namespace

PendingFile::PendingFile(fs::path final_path) : final_path_(std::move(final_path)) {
  static std::atomic<uint64_t> counter{0};
  temporary_path_ =
      directory_of(final_path_) / fmt::format(".{}.tmp.{}.{}.{}", final_path_.filename().string(),
                                              host_name(), getpid(), counter.fetch_add(1));
  const Descriptor fd(
      open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (fd.get() < 0) fail_write(final_path_, "creating a temporary file beside it", errno, 0);
}

PendingFile::~PendingFile() {
  if (!published_) unlink(temporary_path_.c_str());
}

void PendingFile::publish() {
  {
    Descriptor fd(open(temporary_path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) fail_write(final_path_, "reopening its temporary file", errno, 0);
    if (fsync(fd.get()) != 0) fail_write(final_path_, "flushing to disk", errno, 0);
  }
  if (rename(temporary_path_.c_str(), final_path_.c_str()) != 0) {
    fail_write(final_path_, "renaming into place", errno, 0);
  }
  published_ = true;
  flush_directory(directory_of(final_path_));
}

void write_file_atomically(const fs::path& path, std::string_view content) {
  PendingFile pending(path);
  Descriptor fd(open(pending.temporary_path().c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.get() < 0) fail_write(path, "opening its temporary file", errno, content.size());
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = write(fd.get(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_write(path, "writing", n == 0 ? ENOSPC : errno, content.size());
    done += static_cast<size_t>(n);
  }
  if (fd.close() != 0) fail_write(path, "closing", errno, content.size());
  pending.publish();
}

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat facts {};
  if (fd.get() < 0 || fstat(fd.get(), &facts) != 0) {
    fail("read_file", "{}: {}", path.string(), std::strerror(errno));
  }
  if (!S_ISREG(facts.st_mode)) fail("read_file", "{}: not a regular file", path.string());
  const auto size = static_cast<uint64_t>(facts.st_size);
  if (size > max_bytes) {
    fail("read_file", "{}: {} bytes, at most {} are accepted", path.string(), size, max_bytes);
  }
  std::string content(size, '\0');
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = read(fd.get(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read_file", "{}: {}", path.string(), std::strerror(errno));
    if (n == 0) fail("read_file", "{}: shrank while it was read", path.string());
    done += static_cast<size_t>(n);
  }
  return content;
}

void sweep_stale_temporaries(const fs::path& directory) {
  const std::string marker = ".tmp." + host_name() + ".";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    const size_t at = name.rfind(marker);
    if (name.empty() || name[0] != '.' || at == std::string::npos) continue;
    const long pid = std::strtol(name.c_str() + at + marker.size(), nullptr, 10);
    if (!is_running(static_cast<pid_t>(pid))) fs::remove(entry.path(), error);
  }
}

}  // namespace cocola
