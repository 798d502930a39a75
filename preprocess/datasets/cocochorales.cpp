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

}  // namespace

TrackList find_cocochorales_tracks(const DatasetConfig& dataset) {
  return collect_tracks(directories_in_splits(home_of(dataset), dataset.root),
                        [&](const fs::path& track) { return stems_of(track, dataset.root); });
}

}  // namespace cocola
