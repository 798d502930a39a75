#include "preprocess/datasets/dataset.h"

#include <algorithm>

#include "base/error.h"
#include "preprocess/datasets/layout_shape.h"

namespace cocola {
namespace {

TrackList find_in_layout(const DatasetConfig& dataset) {
  switch (dataset.layout) {
    case Layout::folder:
      return find_folder_tracks(dataset);
    case Layout::musdb18hq:
      return find_musdb18hq_tracks(dataset);
    case Layout::moisesdb:
      return find_moisesdb_tracks(dataset);
    case Layout::slakh2100:
      return find_slakh2100_tracks(dataset);
    case Layout::cocochorales:
      return find_cocochorales_tracks(dataset);
  }
  return {};
}

UnequalLengths length_rule(const DatasetConfig& dataset) {
  switch (dataset.lengths) {
    case LengthRule::refuse:
      return UnequalLengths::refuse;
    case LengthRule::cut:
      return UnequalLengths::cut;
    case LengthRule::pad:
      return UnequalLengths::pad;
    case LengthRule::layout:
      break;
  }
  const bool strict = dataset.layout == Layout::folder || dataset.layout == Layout::musdb18hq;
  return strict ? UnequalLengths::refuse : UnequalLengths::pad;
}

bool is_taken(const DatasetConfig& dataset, const std::string& split) {
  if (split == "train") return dataset.take_train;
  return split == "valid" ? dataset.take_valid : dataset.take_test;
}

std::string final_split(const DatasetConfig& dataset, const std::string& split) {
  switch (dataset.into) {
    case IntoSplit::same:
      return split;
    case IntoSplit::train:
      return "train";
    case IntoSplit::valid:
      return "valid";
    case IntoSplit::test:
      return "test";
  }
  return split;
}

std::string prefix_of(const DatasetConfig& dataset) {
  if (!dataset.name.empty()) return dataset.name + "/";
  return dataset.layout == Layout::folder ? "" : std::string(to_string(dataset.layout)) + "/";
}

// What the layout's adapter leaves to the configuration: which splits, under which names.
template <typename Item>
void append(const DatasetConfig& dataset, std::vector<Item>& found, std::vector<Item>& all) {
  for (Item& item : found) {
    if (!is_taken(dataset, item.split)) continue;
    item.split = final_split(dataset, item.split);
    item.name = prefix_of(dataset) + item.name;
    all.push_back(std::move(item));
  }
}

}  // namespace

TrackList find_tracks(const std::vector<DatasetConfig>& datasets) {
  TrackList all;
  for (const DatasetConfig& dataset : datasets) {
    TrackList found = find_in_layout(dataset);
    if (found.tracks.empty() && found.bad.empty()) {
      fail("preprocess", "{}: no tracks found; the layout {} expects {}", dataset.root,
           to_string(dataset.layout), shape_of(dataset.layout));
    }
    for (TrackFiles& track : found.tracks) track.unequal_lengths = length_rule(dataset);
    append(dataset, found.tracks, all.tracks);
    append(dataset, found.bad, all.bad);
  }
  std::ranges::sort(all.tracks, {}, &TrackFiles::name);
  std::ranges::sort(all.bad, {}, &BadTrack::name);
  const auto twin = std::ranges::adjacent_find(all.tracks, {}, &TrackFiles::name);
  if (twin != all.tracks.end()) {
    fail("preprocess", "two tracks are named {}: {} and {}; rename one, or name the data sets",
         twin->name, twin->stems[0].files[0].parent_path().string(),
         (twin + 1)->stems[0].files[0].parent_path().string());
  }
  return all;
}

}  // namespace cocola
