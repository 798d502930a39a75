#include "shards/byte_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace cocola {
namespace {

[[noreturn]] void fail_write(const std::filesystem::path& path, int64_t offset, size_t needed,
                             int error) {
  std::error_code ignored;
  const auto space = std::filesystem::space(path, ignored);
  fail("shard_file", "{}: writing {} bytes at offset {} failed: {} ({} bytes free)", path.string(),
       needed, offset, std::strerror(error), ignored ? 0 : space.available);
}

}  // namespace

ByteFile::ByteFile(const std::filesystem::path& path, Access access)
    : path_(path),
      fd_(open(path.c_str(),
               (access == Access::read ? O_RDONLY : O_WRONLY) | O_CLOEXEC | O_NONBLOCK)) {
  struct stat facts {};
  const int error = fd_ < 0 || fstat(fd_, &facts) != 0 ? errno : 0;
  if (error == 0 && S_ISREG(facts.st_mode)) {
    num_bytes_ = facts.st_size;
    return;
  }
  if (fd_ >= 0) close(fd_);
  fail("shard_file", "{}: {}", path.string(),
       error != 0 ? std::strerror(error) : "not a regular file");
}

ByteFile::~ByteFile() { close(fd_); }

void ByteFile::read(int64_t offset, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t n =
        pread(fd_, out.data() + done, out.size() - done, offset + static_cast<int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      fail("shard_file", "{}: reading {} bytes at offset {} failed: {}", path_.string(), out.size(),
           offset, n < 0 ? std::strerror(errno) : "the file became shorter");
    }
    done += static_cast<size_t>(n);
  }
}

void ByteFile::write(int64_t offset, std::span<const std::byte> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n =
        pwrite(fd_, bytes.data() + done, bytes.size() - done, offset + static_cast<int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_write(path_, offset, bytes.size(), n == 0 ? ENOSPC : errno);
    done += static_cast<size_t>(n);
  }
}

void ByteFile::reserve(int64_t offset, int64_t num_bytes) {
  if (num_bytes == 0 || fallocate(fd_, 0, offset, num_bytes) == 0) return;
  if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINTR) {
    fail_write(path_, offset, static_cast<size_t>(num_bytes), errno);
  }
}

}  // namespace cocola
