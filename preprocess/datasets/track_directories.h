// From the directories of a data set to its list of tracks: what the layouts share.
#pragma once
#include <filesystem>
#include <functional>
#include <vector>

#include "preprocess/datasets/dataset.h"

namespace cocola {

struct TrackDirectory {
  std::filesystem::path path;
  std::string split;  // empty where no directory names one
};

// <split>/<track> of all directories of `home` that are named for a split. Other directories beside
// them are named in a warning, except those in `omitted`; what is no directory is too.
// root: what links may not leave.
std::vector<TrackDirectory> directories_in_splits(const std::filesystem::path& home,
                                                  const std::filesystem::path& root,
                                                  const std::vector<std::string>& omitted = {});
// <track> of `home`, without splits.
std::vector<TrackDirectory> directories_without_split(const std::filesystem::path& home,
                                                      const std::filesystem::path& root);

// Gives each track of a data set without directories of splits its own, and tells people.
// Requires: as many splits as tracks.
void set_splits(std::vector<TrackDirectory>& tracks, const std::vector<std::string>& splits,
                const std::string& root);

// The stems of the track in one directory. Throws: Error with what makes it unusable.
using StemFinder = std::function<std::vector<StemFiles>(const std::filesystem::path& track)>;

// Named for their directories, in order of name. A track is bad when its finder throws, when it has
// fewer than two stems, or two of one name.
TrackList collect_tracks(const std::vector<TrackDirectory>& directories,
                         const StemFinder& stems_of);

// Throws: Error naming the files of two stems of one name. Requires: stems sorted by name.
void refuse_twin_stems(const std::vector<StemFiles>& stems);

}  // namespace cocola
