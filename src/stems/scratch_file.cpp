#include "stems/scratch_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace cocola {
namespace {

template <typename... Args>
[[noreturn]] void fail_scratch(fmt::format_string<Args...> text, Args&&... args) {
  throw ScratchError("scratch", fmt::format(text, std::forward<Args>(args)...));
}

// Some network file systems know no O_TMPFILE; there a named file is removed while it is open.
int open_nameless(const std::string& directory) {
  int fd = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string name = directory + "/.scratch-XXXXXX";
  fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) fail_scratch("{}: no temporary file: {}", directory, std::strerror(errno));
  unlink(name.c_str());
  return fd;
}

}  // namespace

ScratchFile::ScratchFile(const std::filesystem::path& directory)
    : directory_(directory.string()), fd_(open_nameless(directory_)) {}

ScratchFile::~ScratchFile() { close(fd_); }

void ScratchFile::append(std::span<const int16_t> values) {
  auto bytes = std::as_bytes(values);
  int64_t offset = size_ * static_cast<int64_t>(sizeof(int16_t));
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd_, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      fail_scratch("{}: cannot write a temporary file: {}; make room or choose another data.shards",
                   directory_, std::strerror(n < 0 ? errno : ENOSPC));
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += n;
  }
  size_ += static_cast<int64_t>(values.size());
}

void ScratchFile::clear() {
  if (ftruncate(fd_, 0) != 0) fail_scratch("{}: {}", directory_, std::strerror(errno));
  size_ = 0;
}

void ScratchFile::read(int64_t first, std::span<int16_t> out) const {
  auto bytes = std::as_writable_bytes(out);
  int64_t offset = first * static_cast<int64_t>(sizeof(int16_t));
  while (!bytes.empty()) {
    const ssize_t n = pread(fd_, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      fail_scratch("{}: cannot read a temporary file back: {}", directory_,
                   n < 0 ? std::strerror(errno) : "it ends too early");
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += n;
  }
}

}  // namespace cocola
