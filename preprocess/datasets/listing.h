// Directories as all adapters read them, and words for what they leave out.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "stems/track.h"

namespace cocola {

// What lies in one directory, each part in order of bytes; names that start with '.' lie nowhere.
struct Listing {
  std::vector<std::filesystem::path> directories;  // none that are links
  // Regular files with an extension of audio, and links to such that stay inside the data set.
  std::vector<std::filesystem::path> audio;
  // What may hold music and cannot be read: other formats (m4a), linked directories, links to
  // nowhere or out of the data set, pipes.
  std::vector<std::filesystem::path> unread;
};

// root: the data set's, which links may not leave.
// Throws: Error naming the directory when it cannot be listed.
Listing list_directory(const std::filesystem::path& directory, const std::filesystem::path& root);

// True for a regular file, and for a link to one below root.
bool is_file_inside(const std::filesystem::path& file, const std::filesystem::path& root);

// True for "mix" and "mixture" in any case, the extension left out: the sum of the stems.
bool is_mix(const std::string& name);

// Decides from the name of a file without its extension.
using NamePredicate = std::function<bool(const std::string&)>;
// One stem for each audio file that `is_stem` takes.
std::vector<StemFiles> stems_in(const Listing& listing, const NamePredicate& is_stem);

// Tells people in one line which entries of a directory are not used; silent when there are none.
void warn_left_out(const std::filesystem::path& directory,
                   const std::vector<std::filesystem::path>& entries, const std::string& why);
// The same for what may hold music below a track's directory and is neither a stem nor the mix.
void warn_unread(const std::filesystem::path& directory, const std::filesystem::path& root,
                 const Listing& listing, const NamePredicate& is_stem);
// Tells people that a track lacks some of the stems that all tracks of its layout have.
void warn_incomplete(const std::filesystem::path& directory, const std::vector<StemFiles>& stems,
                     size_t expected);

}  // namespace cocola
