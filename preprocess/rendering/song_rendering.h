// Renders a list of songs into folders of stems, on all cores.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "preprocess/rendering/channel_renderer.h"
#include "preprocess/rendering/midi_songs.h"

namespace cocola {

struct RenderReport {
  int64_t num_rendered = 0;
  int64_t num_kept = 0;              // were there already
  std::vector<std::string> skipped;  // fewer than two channels sound; sorted
  bool is_stopped = false;           // a signal asked for it; songs are missing
};

// Makes out/<name of the song>/ for every song that is not there yet and has two channels that
// sound. Folders are complete or absent; their bytes do not depend on the number of cores.
//
// Throws: Error of the first song that could not be written; finished songs stay.
RenderReport render_songs(const std::vector<MidiSong>& songs, const SoundFont& font,
                          const std::filesystem::path& out, double max_seconds);

}  // namespace cocola
