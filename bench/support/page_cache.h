// Files that are read from the disk again, as at the start of a training.
#pragma once
#include <filesystem>

namespace cocola::bench {

// Drops the pages of a file from the system's cache. Returns the share that stayed in it, [0, 1]:
// 1 where the file system is one in memory. Throws: Error when the file cannot be opened or mapped.
double evict(const std::filesystem::path& file);

}  // namespace cocola::bench
