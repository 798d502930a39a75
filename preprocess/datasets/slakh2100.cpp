#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "preprocess/datasets/dataset.h"
#include "preprocess/datasets/layout_shape.h"
#include "preprocess/datasets/listing.h"
#include "preprocess/datasets/split.h"
#include "preprocess/datasets/track_directories.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// 446 of "Track00446".
std::optional<int> number_of(const std::string& name) {
  constexpr std::string_view kPrefix = "Track";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// As the original release splits; empty when a track has no number or a split would have no tracks.
std::vector<std::string> splits_by_number(const std::vector<TrackDirectory>& tracks) {
  std::vector<std::string> splits;
  for (const TrackDirectory& track : tracks) {
    const std::optional<int> number = number_of(track.path.filename().string());
    if (!number) return {};
    splits.emplace_back(*number <= 1500 ? "train" : *number <= 1875 ? "valid" : "test");
  }
  for (const char* split : {"train", "valid", "test"}) {
    if (std::ranges::find(splits, split) == splits.end()) return {};
  }
  return splits;
}

// The directory alone says which stems exist: metadata.yaml lists some that were never rendered,
// and is not even YAML in some releases.
std::vector<StemFiles> stems_of(const fs::path& track, const fs::path& root) {
  const fs::path directory = track / "stems";
  const Listing listing = list_directory(directory, root);
  warn_unread(directory, root, listing, is_slakh_stem);
  return stems_in(listing, is_slakh_stem);
}

}  // namespace

TrackList find_slakh2100_tracks(const DatasetConfig& dataset) {
  const fs::path home = home_of(dataset);
  std::vector<TrackDirectory> tracks = directories_in_splits(home, dataset.root, {"omitted"});
  if (tracks.empty()) {
    tracks = directories_without_split(home, dataset.root);
    std::vector<std::string> splits = splits_by_number(tracks);
    if (splits.empty()) splits = splits_by_recipe(tracks.size(), dataset);
    set_splits(tracks, splits, dataset.root);
  }
  return collect_tracks(tracks,
                        [&](const fs::path& track) { return stems_of(track, dataset.root); });
}

}  // namespace cocola
