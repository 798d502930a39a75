#include "base/digest.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace cocola {

struct Digest::State {
  XXH3_state_t* xxh = XXH3_createState();
  ~State() { XXH3_freeState(xxh); }
};

Digest::Digest() : state_(std::make_unique<State>()) { XXH3_128bits_reset(state_->xxh); }
Digest::~Digest() = default;

void Digest::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}

std::string Digest::hex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string digest_of(std::span<const std::byte> bytes) {
  Digest digest;
  digest.update(bytes);
  return digest.hex();
}

std::string digest_of(std::string_view bytes) {
  return digest_of(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

std::string digest_of_file(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail("digest", "{}: {}", path.string(), std::strerror(errno));
  Digest digest;
  std::vector<std::byte> block(1 << 20);
  ssize_t n = 0;
  do {
    n = read(fd, block.data(), block.size());
    if (n > 0) digest.update(std::span(block.data(), static_cast<size_t>(n)));
  } while (n > 0 || (n < 0 && errno == EINTR));
  const int error = errno;
  close(fd);
  if (n < 0) fail("digest", "{}: {}", path.string(), std::strerror(error));
  return digest.hex();
}

}  // namespace cocola
