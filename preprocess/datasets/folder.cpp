#include <algorithm>

#include "base/digest.h"
#include "base/error.h"
#include "preprocess/datasets/dataset.h"
#include "preprocess/datasets/listing.h"

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

}  // namespace

TrackList find_folder_tracks(const DatasetConfig& dataset) {
  TrackList list;
  for (const fs::path& directory : subdirectories(dataset.root)) {
    TrackFiles track;
    track.name = directory.filename().string();
    track.split = split_of(track.name, dataset);
    for (const fs::path& file : audio_files(directory)) {
      track.stems.push_back({file.stem().string(), {file}});
    }
    const auto twin = std::ranges::adjacent_find(track.stems, {}, &StemFiles::name);
    if (track.stems.size() < 2) {
      list.bad.push_back({track.name, track.split,
                          fmt::format("{}: {} audio file(s) found, a track needs at least two "
                                      "stems; remove the folder or add its stems",
                                      directory.string(), track.stems.size())});
    } else if (twin != track.stems.end()) {
      list.bad.push_back({track.name, track.split,
                          fmt::format("{} and {} are one stem twice; remove one of them",
                                      twin->files[0].string(), (twin + 1)->files[0].string())});
    } else {
      list.tracks.push_back(std::move(track));
    }
  }
  return list;
}

}  // namespace cocola
