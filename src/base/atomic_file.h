// Files that are complete or absent: written under a temporary name in the same directory, flushed,
// renamed.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace cocola {

// A file under construction. Write to temporary_path() with any library, close it, then publish().
// The destructor removes the temporary file if publish() was not called.
//
// Throws: Error when the directory is missing or not writable, on a full disk, and on a failed
// fsync. Law:    the final name never shows a partial file, whatever kills the process.
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path final_path);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  const std::filesystem::path& temporary_path() const { return temporary_path_; }
  // fsync the file, rename it to its final name, fsync the directory.
  void publish();

 private:
  std::filesystem::path final_path_;
  std::filesystem::path temporary_path_;
  bool published_ = false;
};

// Writes the whole content atomically and durably. Throws: Error naming path, needed and free
// bytes.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

// The whole file. Throws: Error when unreadable or larger than max_bytes.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes);

// Deletes temporaries of dead processes of this host (".<name>.tmp.<host>.<pid>.<n>") from one
// directory.
void sweep_stale_temporaries(const std::filesystem::path& directory);

}  // namespace cocola
