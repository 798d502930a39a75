#include <algorithm>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "preprocess/datasets/dataset.h"
#include "preprocess/datasets/layout_shape.h"
#include "preprocess/datasets/listing.h"
#include "preprocess/datasets/split.h"
#include "preprocess/datasets/track_directories.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestMetadata = 4 << 20;

// "drums/<id>" of every source that data.json names.
std::vector<std::string> promised_sources(const fs::path& track, const fs::path& root) {
  const fs::path file = track / "data.json";
  if (!is_file_inside(file, root)) {
    fail("preprocess", "{}: is missing; unpack the archive again, or remove the folder",
         file.string());
  }
  const Json json = parse_json_strictly(read_file(file, kLargestMetadata), file.string());
  std::vector<std::string> names;
  try {
    for (const Json& stem : json.at("stems")) {
      for (const Json& source : stem.at("tracks")) {
        names.push_back(stem.at("stemName").get<std::string>() + "/" +
                        source.at("id").get<std::string>());
      }
    }
  } catch (const Json::exception& e) {
    fail("preprocess", "{}: is not the description of a track: {}", file.string(), e.what());
  }
  return names;
}

void refuse_missing(const fs::path& track, const std::vector<std::string>& promised,
                    const std::vector<StemFiles>& sources) {
  std::set<std::string> found;
  for (const StemFiles& source : sources) found.insert(source.name);
  for (const std::string& name : promised) {
    if (!found.contains(name)) {
      fail("preprocess",
           "{}/{}: data.json names this source, but there is no such audio file; "
           "unpack the archive again, or remove the track",
           track.string(), name);
    }
  }
}

// Each folder of the track is a stem and each audio file in it a source, whatever data.json says:
// there a stem may be listed twice.
std::vector<StemFiles> stems_of(const fs::path& track, const DatasetConfig& dataset) {
  const fs::path root = dataset.root;
  const Listing listing = list_directory(track, root);
  Listing loose = listing;
  loose.directories.clear();
  warn_unread(track, root, loose, [](const std::string&) { return false; });
  std::vector<StemFiles> groups, sources;
  for (const fs::path& directory : listing.directories) {
    const Listing stem = list_directory(directory, root);
    warn_unread(directory, root, stem, [](const std::string&) { return true; });
    const std::string name = directory.filename().string();
    if (!stem.audio.empty()) groups.push_back({name, stem.audio});
    for (const fs::path& file : stem.audio) {
      sources.push_back({name + "/" + file.stem().string(), {file}});
    }
  }
  std::ranges::stable_sort(sources, {}, &StemFiles::name);
  refuse_missing(track, promised_sources(track, root), sources);
  refuse_twin_stems(sources);
  return dataset.stems == StemLevel::per_source ? sources : groups;
}

}  // namespace

TrackList find_moisesdb_tracks(const DatasetConfig& dataset) {
  const fs::path home = home_of(dataset);
  std::vector<TrackDirectory> tracks = directories_in_splits(home, dataset.root);
  if (tracks.empty()) {
    tracks = directories_without_split(home, dataset.root);
    set_splits(tracks, splits_by_recipe(tracks.size(), dataset), dataset.root);
  }
  return collect_tracks(tracks, [&](const fs::path& track) { return stems_of(track, dataset); });
}

}  // namespace cocola
