// Data sets in miniature: the trees, names and codecs of the published ones, with tones for music.
#pragma once
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "preprocess/datasets/dataset.h"
#include "support/sound_file.h"
#include "support/temporary_directory.h"

namespace cocola::testing {

class Miniature {
 public:
  std::filesystem::path operator/(const std::string& name) const { return directory_ / name; }

  void text(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories((directory_ / path).parent_path());
    std::ofstream(directory_ / path, std::ios::binary) << content;
  }

  // A tone of its own for each file; flac or wav after the name's end.
  void sound(const std::string& path, double seconds = 0.05, int rate = 44100, int channels = 1) {
    std::filesystem::create_directories((directory_ / path).parent_path());
    const auto length = static_cast<int64_t>(seconds * rate) * channels;
    const int container = path.ends_with(".flac") ? SF_FORMAT_FLAC : SF_FORMAT_WAV;
    write_sound(directory_ / path, tone(length, 0.002 * ++num_sounds_, 0.2), rate, channels,
                container | SF_FORMAT_PCM_16);
  }

  void musdb_track(const std::string& path, double seconds = 0.05) {
    for (const char* name : {"mixture", "vocals", "drums", "bass", "other"}) {
      sound(path + "/" + name + ".wav", seconds, 44100, 2);
    }
  }

  // What an archive holds beside the stems' audio, `metadata` included.
  void slakh_track(const std::string& path, const std::vector<std::string>& stems,
                   const std::string& metadata = "stems: {}\n", double seconds = 0.05,
                   const std::string& extension = ".flac") {
    text(path + "/metadata.yaml", metadata);
    text(path + "/all_src.mid", "MThd");
    text(path + "/MIDI/S00.mid", "MThd");
    sound(path + "/mix" + extension, seconds);
    for (const std::string& stem : stems) sound(path + "/stems/" + stem + extension, seconds);
  }

  void cocochorales_track(const std::string& path, const std::vector<std::string>& stems,
                          double seconds = 0.05) {
    text(path + "/metadata.yaml", "tempo: 90\n");
    text(path + "/stems_midi/1.mid", "MThd");
    sound(path + "/mix.wav", seconds, 16000);
    for (const std::string& stem : stems) {
      sound(path + "/stems_audio/" + stem + ".wav", seconds, 16000);
    }
  }

  // stems: pairs of a stemName, which may occur twice, and the ids of its sources.
  using MoisesStems = std::vector<std::pair<std::string, std::vector<std::string>>>;
  void moisesdb_track(const std::string& path, const MoisesStems& stems, double seconds = 0.05) {
    Json all = Json::array();
    for (const auto& [name, ids] : stems) {
      Json sources = Json::array();
      for (const std::string& id : ids) {
        sources.push_back({{"id", id}, {"trackType", "x"}, {"extension", "wav"}});
        sound(path + "/" + name + "/" + id + ".wav", seconds, 44100, 2);
      }
      all.push_back({{"stemName", name}, {"tracks", sources}});
    }
    text(path + "/data.json", Json{{"song", "x"}, {"stems", all}}.dump());
  }

  DatasetConfig config(Layout layout, const std::string& root = "") const {
    DatasetConfig dataset;
    dataset.layout = layout;
    dataset.root = (directory_ / root).string();
    return dataset;
  }

 private:
  TemporaryDirectory directory_;
  int num_sounds_ = 0;
};

inline const std::vector<std::string> kQuartet = {"1_violin", "2_violin", "3_viola", "4_cello"};

// "train Artist - Song: bass drums" for each track.
inline std::vector<std::string> lines_of(const TrackList& list) {
  std::vector<std::string> lines;
  for (const TrackFiles& track : list.tracks) {
    std::string line = track.split + " " + track.name + ":";
    for (const StemFiles& stem : track.stems) line += " " + stem.name;
    lines.push_back(line);
  }
  return lines;
}

inline std::map<std::string, int> sizes_of_splits(const TrackList& list) {
  std::map<std::string, int> sizes;
  for (const TrackFiles& track : list.tracks) ++sizes[track.split];
  return sizes;
}

// What a failing search says.
inline std::string failure_of(const std::vector<DatasetConfig>& datasets) {
  try {
    find_tracks(datasets);
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was refused";
}

}  // namespace cocola::testing
