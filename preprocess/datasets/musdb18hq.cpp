#include <algorithm>
#include <array>
#include <string_view>

#include "preprocess/datasets/dataset.h"
#include "preprocess/datasets/layout_shape.h"
#include "preprocess/datasets/listing.h"
#include "preprocess/datasets/track_directories.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// The official validation part, which lies inside train.
constexpr std::array<std::string_view, 14> kValidationTracks = {
    "ANiMAL - Rockshow",
    "Actions - One Minute Smile",
    "Alexander Ross - Goodbye Bolero",
    "Clara Berry And Wooldog - Waltz For My Victims",
    "Fergessen - Nos Palpitants",
    "James May - On The Line",
    "Johnny Lokke - Promises & Lies",
    "Leaf - Summerghost",
    "Meaxic - Take A Step",
    "Patrick Talbot - A Reason To Leave",
    "Skelpolu - Human Mistakes",
    "Traffic Experiment - Sirens",
    "Triviul - Angelsaint",
    "Young Griffo - Pennies"};

std::vector<StemFiles> stems_of(const fs::path& track, const fs::path& root) {
  const Listing listing = list_directory(track, root);
  warn_unread(track, root, listing, is_musdb_stem);
  std::vector<StemFiles> stems = stems_in(listing, is_musdb_stem);
  warn_incomplete(track, stems, 4);
  return stems;
}

}  // namespace

TrackList find_musdb18hq_tracks(const DatasetConfig& dataset) {
  std::vector<TrackDirectory> tracks = directories_in_splits(home_of(dataset), dataset.root);
  for (TrackDirectory& track : tracks) {
    const std::string name = track.path.filename().string();
    const bool held_out = std::ranges::find(kValidationTracks, name) != kValidationTracks.end();
    if (track.split == "train" && held_out) track.split = "valid";
  }
  return collect_tracks(tracks,
                        [&](const fs::path& track) { return stems_of(track, dataset.root); });
}

}  // namespace cocola
