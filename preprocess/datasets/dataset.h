// Where tracks come from: one small adapter for each layout on disk.
#pragma once
#include <string>
#include <vector>

#include "config/run_config.h"
#include "stems/track.h"

namespace cocola {

// The tracks of all datasets, sorted by name.
// Throws: Error when a root is missing or holds no tracks, and for two tracks of one name.
std::vector<TrackFiles> find_tracks(const std::vector<DatasetConfig>& datasets);

// Layout "folder": <root>/<track>/<any stem file>. A track belongs to the split that a hash of its
// name chooses, so it never moves when others are added.
std::vector<TrackFiles> find_folder_tracks(const DatasetConfig& dataset);

}  // namespace cocola
