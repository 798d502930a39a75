#include "preprocess/datasets/track_directories.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "preprocess/datasets/listing.h"
#include "preprocess/datasets/split.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// Everything of one directory that holds tracks; what is loose beside them is named.
std::vector<fs::path> track_paths(const fs::path& directory, const fs::path& root) {
  Listing listing = list_directory(directory, root);
  listing.unread.insert(listing.unread.begin(), listing.audio.begin(), listing.audio.end());
  warn_left_out(directory, listing.unread,
                "not read: a track is a folder of stems, and links to folders are not followed");
  return std::move(listing.directories);
}

void refuse_too_few(const fs::path& directory, const std::vector<StemFiles>& stems) {
  if (stems.size() >= 2) return;
  fail("preprocess",
       "{}: {} stem(s) found{}; a track needs at least two stems; remove the folder or add its "
       "stems",
       directory.string(), stems.size(), stems.empty() ? "" : " (" + stems[0].name + ")");
}

}  // namespace

std::vector<TrackDirectory> directories_in_splits(const fs::path& home, const fs::path& root,
                                                  const std::vector<std::string>& omitted) {
  std::vector<TrackDirectory> tracks;
  Listing listing = list_directory(home, root);
  std::vector<fs::path> others = std::move(listing.unread);
  for (const fs::path& directory : listing.directories) {
    const std::string name = directory.filename().string();
    const std::string split = split_of_directory(name);
    if (split.empty()) {
      if (std::ranges::find(omitted, name) == omitted.end()) others.push_back(directory);
      continue;
    }
    for (fs::path& path : track_paths(directory, root)) tracks.push_back({std::move(path), split});
  }
  if (tracks.empty()) {
    // Perhaps a data set without splits; but a link that is named for one was meant to be one.
    std::erase_if(others, [](const fs::path& other) {
      return split_of_directory(other.filename().string()).empty();
    });
  }
  warn_left_out(home, others,
                "not read: a split is a folder train, valid or test, and links to folders are not "
                "followed");
  return tracks;
}

std::vector<TrackDirectory> directories_without_split(const fs::path& home, const fs::path& root) {
  std::vector<TrackDirectory> tracks;
  for (fs::path& path : track_paths(home, root)) tracks.push_back({std::move(path), ""});
  return tracks;
}

void set_splits(std::vector<TrackDirectory>& tracks, const std::vector<std::string>& splits,
                const std::string& root) {
  for (size_t i = 0; i < tracks.size(); ++i) tracks[i].split = splits.at(i);
  if (tracks.empty()) return;
  log_info("{}: no folders of splits; {} tracks are put into train, {} into valid, {} into test",
           root, std::ranges::count(splits, "train"), std::ranges::count(splits, "valid"),
           std::ranges::count(splits, "test"));
}

void refuse_twin_stems(const std::vector<StemFiles>& stems) {
  const auto twin = std::ranges::adjacent_find(stems, {}, &StemFiles::name);
  if (twin == stems.end()) return;
  fail("preprocess", "{} and {} are one stem twice; remove one of them", twin->files[0].string(),
       (twin + 1)->files[0].string());
}

TrackList collect_tracks(const std::vector<TrackDirectory>& directories,
                         const StemFinder& stems_of) {
  TrackList list;
  for (const TrackDirectory& directory : directories) {
    TrackFiles track;
    track.name = directory.path.filename().string();
    track.split = directory.split;
    try {
      track.stems = stems_of(directory.path);
      std::ranges::stable_sort(track.stems, {}, &StemFiles::name);
      refuse_too_few(directory.path, track.stems);
      refuse_twin_stems(track.stems);
      list.tracks.push_back(std::move(track));
    } catch (const Error& error) {
      list.bad.push_back({track.name, track.split, error.message()});
    }
  }
  std::ranges::stable_sort(list.tracks, {}, &TrackFiles::name);
  std::ranges::stable_sort(list.bad, {}, &BadTrack::name);
  return list;
}

}  // namespace cocola
