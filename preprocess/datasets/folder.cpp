#include <algorithm>

#include "audio/audio_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "preprocess/datasets/dataset.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

std::string split_of(const std::string& name, const DatasetConfig& dataset) {
  // The leading 53 bits of the digest as a number in [0, 1).
  const uint64_t bits = std::stoull(digest_of(name).substr(0, 16), nullptr, 16) >> 11;
  const double place = static_cast<double>(bits) * 0x1p-53;
  if (place < dataset.train) return "train";
  return place < dataset.train + dataset.valid ? "valid" : "test";
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with("."); }

}  // namespace

std::vector<TrackFiles> find_folder_tracks(const DatasetConfig& dataset) {
  const fs::path root = dataset.root;
  std::error_code error;
  const fs::directory_iterator listing(root, error);
  if (error) {
    fail("preprocess", "data.datasets root {}: {}; expected a folder of track folders",
         root.string(), error.message());
  }
  std::vector<TrackFiles> tracks;
  for (const auto& entry : listing) {
    if (!entry.is_directory() || is_hidden(entry.path())) continue;
    TrackFiles track;
    track.name = entry.path().filename().string();
    track.split = split_of(track.name, dataset);
    for (const auto& file : fs::directory_iterator(entry.path())) {
      if (has_audio_extension(file.path())) track.stems.push_back(file.path());
    }
    std::sort(track.stems.begin(), track.stems.end());
    if (track.stems.size() < 2) {
      fail("preprocess",
           "{}: {} audio file(s) found, a track needs at least two stems; remove the folder or "
           "add its stems",
           entry.path().string(), track.stems.size());
    }
    tracks.push_back(std::move(track));
  }
  if (tracks.empty()) {
    fail("preprocess", "{}: no tracks found; expected {}/<track>/<stem>.wav (or flac, ogg, mp3)",
         root.string(), root.string());
  }
  return tracks;
}

std::vector<TrackFiles> find_tracks(const std::vector<DatasetConfig>& datasets) {
  std::vector<TrackFiles> all;
  for (const DatasetConfig& dataset : datasets) {
    std::vector<TrackFiles> found =
        find_folder_tracks(dataset);  // the only layout so far; config checks the name
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto twin = std::adjacent_find(
      all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twin != all.end()) {
    fail("preprocess", "two tracks are named {}: {} and {}; rename one", twin->name,
         twin->stems.front().parent_path().string(),
         (twin + 1)->stems.front().parent_path().string());
  }
  return all;
}

}  // namespace cocola
