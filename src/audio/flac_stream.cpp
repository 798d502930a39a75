#include "audio/flac_stream.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "base/error.h"

namespace cocola {
namespace {

// The number of samples has 36 bits, the lower half of the first of these bytes and the others.
constexpr int64_t kCountOffset = 21, kCountBytes = 5;
constexpr unsigned char kUpperHalf = 0xF0;

ssize_t read_at(int fd, void* out, size_t count, int64_t offset) {
  ssize_t n = 0;
  do {
    n = pread(fd, out, count, offset);
  } while (n < 0 && errno == EINTR);
  return n;
}

}  // namespace

FlacStream::FlacStream(int fd, int64_t file_bytes, int64_t first_byte, const std::string& name)
    : fd_(fd), file_bytes_(file_bytes), count_at_(first_byte + kCountOffset) {
  std::array<unsigned char, kCountBytes> bytes{};
  if (read_at(fd, bytes.data(), bytes.size(), count_at_) < kCountBytes) {
    fail("audio_file", "{}: cut short inside its header", name);
  }
  stated_samples_ = bytes[0] & ~kUpperHalf & 0xFF;
  for (size_t i = 1; i < bytes.size(); ++i) stated_samples_ = stated_samples_ << 8 | bytes[i];
}

SNDFILE* FlacStream::open(SF_INFO& info) {
  SF_VIRTUAL_IO io{};
  io.get_filelen = [](void* user) -> sf_count_t {
    return static_cast<FlacStream*>(user)->file_bytes_;
  };
  io.seek = [](sf_count_t offset, int whence, void* user) {
    return static_cast<FlacStream*>(user)->seek(offset, whence);
  };
  io.read = [](void* out, sf_count_t count, void* user) {
    return static_cast<FlacStream*>(user)->read(out, count);
  };
  io.write = [](const void*, sf_count_t, void*) -> sf_count_t { return 0; };
  io.tell = [](void* user) -> sf_count_t { return static_cast<FlacStream*>(user)->position_; };
  return sf_open_virtual(&io, SFM_READ, &info, this);
}

sf_count_t FlacStream::read(void* out, sf_count_t count) {
  const ssize_t n =
      read_at(fd_, out, static_cast<size_t>(std::max<sf_count_t>(0, count)), position_);
  if (n <= 0) return 0;
  auto* const bytes = static_cast<unsigned char*>(out);
  const int64_t end = std::min(position_ + n, count_at_ + kCountBytes);
  for (int64_t at = std::max(position_, count_at_); at < end; ++at) {
    bytes[at - position_] &= at == count_at_ ? kUpperHalf : 0;
  }
  position_ += n;
  return n;
}

sf_count_t FlacStream::seek(sf_count_t offset, int whence) {
  const int64_t start = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position_ : file_bytes_;
  position_ = std::clamp<int64_t>(start + offset, 0, file_bytes_);
  return position_;
}

}  // namespace cocola
