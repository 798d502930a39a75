// Directory listings as all adapters need them.
#pragma once
#include <filesystem>
#include <vector>

namespace cocola {

// Entries of a directory in order of bytes, without hidden ones ('.' first) and without links that
// lead out of it or are broken.
// Throws: Error naming the directory when it cannot be listed.
std::vector<std::filesystem::path> subdirectories(const std::filesystem::path& directory);
// Files with an extension of audio; no directories, pipes or devices.
std::vector<std::filesystem::path> audio_files(const std::filesystem::path& directory);

}  // namespace cocola
