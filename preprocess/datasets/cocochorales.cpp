#include "base/error.h"
#include "preprocess/datasets/dataset.h"
#include "preprocess/datasets/layout_shape.h"
#include "preprocess/datasets/listing.h"
#include "preprocess/datasets/track_directories.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// The numbers before the instruments are kept as part of the name: two violins of a string quartet
// differ in nothing else.
std::vector<StemFiles> stems_of(const fs::path& track, const fs::path& root) {
  const fs::path directory = track / "stems_audio";
  const NamePredicate is_stem = [](const std::string&) { return true; };
  const Listing listing = list_directory(directory, root);
  warn_unread(directory, root, listing, is_stem);
  std::vector<StemFiles> stems = stems_in(listing, is_stem);
  warn_incomplete(directory, stems, 4);
  return stems;
}

// "string_track000001" is of "string".
bool is_of(const fs::path& track, const char* ensemble) {
  return track.filename().string().starts_with(std::string(ensemble) + "_track");
}

// A directory that names no ensemble is in none, and taken only where all are.
void keep_chosen(const DatasetConfig& dataset, std::vector<TrackDirectory>& tracks) {
  const Ensembles& chosen = dataset.ensembles;
  if (tracks.empty() || chosen == Ensembles{}) return;
  std::erase_if(tracks, [&](const TrackDirectory& track) {
    return !(chosen.brass && is_of(track.path, "brass")) &&
           !(chosen.string && is_of(track.path, "string")) &&
           !(chosen.woodwind && is_of(track.path, "woodwind")) &&
           !(chosen.random && is_of(track.path, "random"));
  });
  if (!tracks.empty()) return;
  fail("preprocess",
       "{}: no track is of the chosen ensembles; tracks are named for theirs, as in "
       "random_track000001; change the data set's ensembles",
       dataset.root);
}

}  // namespace

TrackList find_cocochorales_tracks(const DatasetConfig& dataset) {
  std::vector<TrackDirectory> tracks = directories_in_splits(home_of(dataset), dataset.root);
  keep_chosen(dataset, tracks);
  return collect_tracks(tracks,
                        [&](const fs::path& track) { return stems_of(track, dataset.root); });
}

}  // namespace cocola
