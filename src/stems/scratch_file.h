// A nameless temporary file for numbers that need no memory while they wait.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/error.h"

namespace cocola {

// The disk, not the data, is at fault.
class ScratchError : public Error {
 public:
  using Error::Error;
};

// Vanishes with the object, and with the process however it ends.
// Throws: ScratchError naming the directory when it cannot be written to, a full disk included.
class ScratchFile {
 public:
  explicit ScratchFile(const std::filesystem::path& directory);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  // Adds values behind the last ones.
  void append(std::span<const int16_t> values);
  void clear();
  // Values from index `first` on; all must have been appended. Any number of threads may call.
  void read(int64_t first, std::span<int16_t> out) const;
  int64_t size() const { return size_; }

 private:
  std::string directory_;
  int fd_ = -1;
  int64_t size_ = 0;  // values
};

}  // namespace cocola
