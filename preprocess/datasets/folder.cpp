#include "preprocess/datasets/dataset.h"
#include "preprocess/datasets/layout_shape.h"
#include "preprocess/datasets/listing.h"
#include "preprocess/datasets/split.h"
#include "preprocess/datasets/track_directories.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

std::vector<StemFiles> stems_of(const fs::path& track, const fs::path& root) {
  const NamePredicate is_stem = [](const std::string& name) { return !is_mix(name); };
  const Listing listing = list_directory(track, root);
  std::vector<fs::path> mixes;
  for (const fs::path& file : listing.audio) {
    if (is_mix(file.stem().string())) mixes.push_back(file);
  }
  warn_left_out(track, mixes,
                "not read: by its name the mix of the stems; rename it if it is a stem");
  warn_unread(track, root, listing, is_stem);
  return stems_in(listing, is_stem);
}

}  // namespace

TrackList find_folder_tracks(const DatasetConfig& dataset) {
  std::vector<TrackDirectory> tracks = directories_without_split(home_of(dataset), dataset.root);
  for (TrackDirectory& track : tracks) {
    track.split = split_by_hash(track.path.filename().string(), dataset);
  }
  return collect_tracks(tracks,
                        [&](const fs::path& track) { return stems_of(track, dataset.root); });
}

}  // namespace cocola
