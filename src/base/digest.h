// Checksums against accidents: XXH3-128 as 32 lower-case hexadecimal digits. Not a defence against
// attackers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cocola {

inline constexpr size_t kDigestLength = 32;

// Incremental digest.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  void update(std::span<const std::byte> bytes);
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string digest_of(std::string_view bytes);
std::string digest_of(std::span<const std::byte> bytes);
// Reads the file once, in blocks. Throws: Error when unreadable.
std::string digest_of_file(const std::filesystem::path& path);

}  // namespace cocola
