// Where tracks come from: one small adapter for each layout on disk.
//
// All adapters list directories in order of bytes, take only names that do not start with '.', do
// not follow links out of the root, do not descend into linked directories, and believe what lies
// on disk before what metadata say. The root of a published data set may also be the directory
// above the one that its archive unpacked to. What may hold music and is not read is named in
// warnings.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "config/dataset_config.h"
#include "stems/track.h"

namespace cocola {

// A track that cannot be used, and why: one stem only, unreadable metadata, ...
struct BadTrack {
  std::string name;
  std::string split;
  std::string reason;  // names the file and what to do
};

struct TrackList {
  std::vector<TrackFiles> tracks;  // sorted by name
  std::vector<BadTrack> bad;       // sorted by name
};

// The tracks of all datasets, their names prefixed as DatasetConfig says and their splits replaced
// as it says.
// Throws: Error when a root is missing, holds no tracks of its layout (the message then says which
// layout it looks like), or for two tracks of one name.
TrackList find_tracks(const std::vector<DatasetConfig>& datasets);

// One for each layout: unprefixed names; split is the data set's own, or drawn. A split's directory
// may be named train, valid (or validation, val, dev) or test in all of them.
//
// folder        <root>/<track>/<stem>, mix and mixture left out; split by a hash of the name, so
//               that a track never moves when others are added
// musdb18hq     {train,test}/<track>/{vocals,drums,bass,other}.wav; the 14 official validation
//               songs of train are valid
// moisesdb      <track>/data.json and <track>/<stem>/<source>.wav; bad when a source that data.json
//               names is missing. Split by directories if there are any, else by the published
//               recipe, with the shares of DatasetConfig
// slakh2100     {train,validation,test}/<Track>/stems/S*.{flac,wav}; `omitted` and all metadata are
//               left out. Without split directories (BabySlakh) by track number as the original is
//               split, or, where that leaves a split empty, as moisesdb
// cocochorales  {train,valid,test}/<ensemble>_track*/stems_audio/*.wav, the
//               ensembles that DatasetConfig names
//
// Throws: Error when the root is missing or shows another layout.
TrackList find_folder_tracks(const DatasetConfig& dataset);
TrackList find_musdb18hq_tracks(const DatasetConfig& dataset);
TrackList find_moisesdb_tracks(const DatasetConfig& dataset);
TrackList find_slakh2100_tracks(const DatasetConfig& dataset);
TrackList find_cocochorales_tracks(const DatasetConfig& dataset);

// The layout that the names below root speak for, or those one directory below it; evidence is the
// path of a file below root that shows it. folder when nothing else fits, and evidence is empty
// when that does not fit either. Reads names only.
struct LayoutGuess {
  Layout layout = Layout::folder;
  std::string evidence;
};
LayoutGuess guess_layout(const std::filesystem::path& root);

}  // namespace cocola
