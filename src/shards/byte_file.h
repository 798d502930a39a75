// A file as bytes at offsets, for large datasets whose place HDF5 has told. For the sources of this
// folder only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace cocola {

// Threads: any number may read at once.
// Throws:  Error naming the file, the place and the reason; a full disk with needed and free bytes.
class ByteFile {
 public:
  enum class Access { read, write };
  // Throws: Error when the file does not exist or is not a regular file.
  ByteFile(const std::filesystem::path& path, Access access);
  ~ByteFile();
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;

  // As it was on opening.
  int64_t num_bytes() const { return num_bytes_; }
  void read(int64_t offset, std::span<std::byte> out) const;
  void write(int64_t offset, std::span<const std::byte> bytes);
  // Takes disk space for that range now, where the file system can, so that a full disk is an error
  // before the work and not after it.
  void reserve(int64_t offset, int64_t num_bytes);

 private:
  std::filesystem::path path_;
  int fd_;
  int64_t num_bytes_ = 0;
};

}  // namespace cocola
