#include "preprocess/datasets/listing.h"

#include <algorithm>

#include "audio/audio_file.h"
#include "base/error.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// A link may point at a sibling, but not out of the directory: a data set from a stranger could
// otherwise have any file of this machine read.
bool stays_inside(const fs::directory_entry& entry, const fs::path& directory) {
  std::error_code error;
  if (!entry.is_symlink(error)) return true;
  const fs::path target = fs::canonical(entry.path(), error);
  if (error) return false;
  const fs::path home = fs::canonical(directory, error);
  return !error &&
         std::mismatch(home.begin(), home.end(), target.begin(), target.end()).first == home.end();
}

template <typename Wanted>
std::vector<fs::path> list(const fs::path& directory, const Wanted& is_wanted) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().native().starts_with('.')) continue;
    if (stays_inside(*at, directory) && is_wanted(*at)) entries.push_back(at->path());
  }
  if (error) fail("preprocess", "{}: cannot be listed: {}", directory.string(), error.message());
  std::ranges::sort(entries, {}, [](const fs::path& path) { return path.native(); });
  return entries;
}

}  // namespace

std::vector<fs::path> subdirectories(const fs::path& directory) {
  return list(directory, [](const fs::directory_entry& entry) {
    std::error_code error;
    return entry.is_directory(error);
  });
}

std::vector<fs::path> audio_files(const fs::path& directory) {
  return list(directory, [](const fs::directory_entry& entry) {
    std::error_code error;
    return entry.is_regular_file(error) && has_audio_extension(entry.path());
  });
}

}  // namespace cocola
