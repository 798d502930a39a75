// Finds MIDI songs: .mid files, and the music lumps of Doom WAD files.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace cocola {

struct MidiSong {
  std::string name;   // fit for a file name, unique in its list: "relax_song", "freedoom1_D_E1M1"
  std::string bytes;  // a standard MIDI file
};

// Songs in the order of the inputs; the same bytes are listed once.
//
// Throws: Error naming the file when it is neither MIDI nor a WAD, or when a directory entry of a
//         WAD points outside the file. Music in the MUS format is named in a warning and left out.
std::vector<MidiSong> read_midi_songs(const std::vector<std::filesystem::path>& inputs);

// Letters, digits, '.', '_' and '-' stay, anything else becomes '_'; never empty, hidden or an
// option, at most 100 bytes.
std::string file_name_from(std::string text);

}  // namespace cocola
