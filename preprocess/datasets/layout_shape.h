// How each layout shows in the names below a directory, and which directory to name as root.
#pragma once
#include <filesystem>
#include <string>

#include "config/dataset_config.h"

namespace cocola {

// What an adapter reads: the root, or for a published data set also the one directory below it that
// holds the layout, as an archive unpacks.
//
// Throws: Error when the names below the root speak for another layout or for another directory,
//         when several directories below it hold the layout, and when it is but the directory of
//         one split beside others. The message says what to write instead.
std::filesystem::path home_of(const DatasetConfig& dataset);

// The paths of a layout's stems, for messages.
const char* shape_of(Layout layout);

// For adapters and for guessing alike; names without extension.
bool is_musdb_stem(const std::string& name);  // vocals, drums, bass, other
bool is_slakh_stem(const std::string& name);  // S and digits

}  // namespace cocola
