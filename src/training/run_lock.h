// One job at a time in one run directory.
#pragma once
#include <filesystem>

namespace cocola {

// Holds <directory>/lock, which names host and process. The kernel lets go of it when the process
// ends, however it ends; the file itself stays.
//
// Throws: Error naming host and process of the job that holds it. A file system without locks is a
//         warning.
class RunLock {
 public:
  explicit RunLock(const std::filesystem::path& directory);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int file_ = -1;
};

}  // namespace cocola
