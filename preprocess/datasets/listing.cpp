#include "preprocess/datasets/listing.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "audio/audio_file.h"
#include "base/error.h"
#include "base/log.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNamesInALine = 8;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool may_hold_music(const fs::path& path) {
  constexpr std::array<std::string_view, 16> kUnreadFormats = {
      ".aac", ".ac3", ".alac", ".ape", ".au",  ".caf", ".dsf", ".m4a",
      ".m4b", ".mka", ".mp4",  ".mpc", ".tta", ".wma", ".wv",  ".webm"};
  return has_audio_extension(path) ||
         std::ranges::find(kUnreadFormats, lower(path.extension().string())) !=
             kUnreadFormats.end();
}

// A data set from a stranger could otherwise have any file of this machine read.
bool leads_inside(const fs::path& link, const fs::path& root) {
  std::error_code error;
  const fs::path target = fs::canonical(link, error);
  if (error) return false;
  const fs::path home = fs::canonical(root, error);
  return !error &&
         std::mismatch(home.begin(), home.end(), target.begin(), target.end()).first == home.end();
}

void add(const fs::directory_entry& entry, const fs::path& root, Listing& listing) {
  std::error_code error;
  const fs::path& path = entry.path();
  const bool is_link = entry.is_symlink(error);
  const bool is_directory = entry.is_directory(error);
  if (is_directory && !is_link) {
    listing.directories.push_back(path);
  } else if (has_audio_extension(path) && is_file_inside(path, root)) {
    listing.audio.push_back(path);
  } else if (is_directory || may_hold_music(path)) {
    listing.unread.push_back(path);
  }
}

bool holds_audio(const fs::path& directory, const fs::path& root) {
  const Listing listing = list_directory(directory, root);
  return !listing.audio.empty() || std::ranges::any_of(listing.directories, [&](const auto& below) {
    return holds_audio(below, root);
  });
}

}  // namespace

Listing list_directory(const fs::path& directory, const fs::path& root) {
  Listing listing;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().filename().native().starts_with('.')) add(*at, root, listing);
  }
  if (error) fail("preprocess", "{}: cannot be listed: {}", directory.string(), error.message());
  for (auto* const part : {&listing.directories, &listing.audio, &listing.unread}) {
    std::ranges::sort(
        *part, {}, [](const fs::path& path) -> auto& { return path.native(); });
  }
  return listing;
}

bool is_file_inside(const fs::path& file, const fs::path& root) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return false;
  return !fs::is_symlink(file, error) || leads_inside(file, root);
}

bool is_mix(const std::string& name) {
  const std::string in_lower_case = lower(name);
  return in_lower_case == "mix" || in_lower_case == "mixture";
}

std::vector<StemFiles> stems_in(const Listing& listing, const NamePredicate& is_stem) {
  std::vector<StemFiles> stems;
  for (const fs::path& file : listing.audio) {
    std::string name = file.stem().string();
    if (is_stem(name)) stems.push_back({std::move(name), {file}});
  }
  return stems;
}

void warn_left_out(const fs::path& directory, const std::vector<fs::path>& entries,
                   const std::string& why) {
  if (entries.empty()) return;
  std::string names;
  for (size_t i = 0; i < std::min(entries.size(), kNamesInALine); ++i) {
    names += (i == 0 ? "" : ", ") + entries[i].filename().string();
  }
  if (entries.size() > kNamesInALine) {
    names += fmt::format(" and {} more", entries.size() - kNamesInALine);
  }
  log_warning("{}: {}: {}", directory.string(), names, why);
}

void warn_unread(const fs::path& directory, const fs::path& root, const Listing& listing,
                 const NamePredicate& is_stem) {
  std::vector<fs::path> unread = listing.unread;
  for (const fs::path& file : listing.audio) {
    const std::string name = file.stem().string();
    if (!is_stem(name) && !is_mix(name)) unread.push_back(file);
  }
  for (const fs::path& below : listing.directories) {
    if (holds_audio(below, root)) unread.push_back(below);
  }
  warn_left_out(directory, unread,
                "not read: no stem of this layout. Stems are wav, aiff, flac, ogg, opus or mp3 "
                "files; folders and links out of the data set are not followed");
}

void warn_incomplete(const fs::path& directory, const std::vector<StemFiles>& stems,
                     size_t expected) {
  if (stems.size() >= expected) return;
  log_warning("{}: {} of {} stems found; was the archive unpacked completely?", directory.string(),
              stems.size(), expected);
}

}  // namespace cocola
