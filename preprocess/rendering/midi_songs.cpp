#include "preprocess/rendering/midi_songs.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhere = "midi_songs";
constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;
constexpr size_t kWadHeaderBytes = 12, kWadEntryBytes = 16;

bool is_midi(std::string_view bytes) { return bytes.starts_with("MThd"); }
bool is_wad(std::string_view bytes) {
  return bytes.starts_with("IWAD") || bytes.starts_with("PWAD");
}

// Little-endian, at most 2^32 - 1: a negative number of the format becomes one that no check
// passes.
uint64_t number_at(std::string_view bytes, size_t offset) {
  uint64_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return value;
}

// The MIDI lumps of a WAD, with the names of their directory entries.
std::vector<MidiSong> songs_of_wad(std::string_view wad, const std::string& file) {
  if (wad.size() < kWadHeaderBytes) fail(kWhere, "{}: shorter than the header of a WAD", file);
  const uint64_t num_lumps = number_at(wad, 4), directory = number_at(wad, 8);
  if (directory > wad.size() || num_lumps > (wad.size() - directory) / kWadEntryBytes) {
    fail(kWhere, "{}: its directory ({} lumps at byte {}) does not fit into its {} bytes", file,
         num_lumps, directory, wad.size());
  }
  std::vector<MidiSong> songs;
  for (uint64_t i = 0; i < num_lumps; ++i) {
    const std::string_view entry = wad.substr(directory + i * kWadEntryBytes, kWadEntryBytes);
    const uint64_t offset = number_at(entry, 0), size = number_at(entry, 4);
    const std::string_view padded = entry.substr(8);
    const std::string name(padded.substr(0, padded.find('\0')));
    if (size == 0) continue;  // a marker; its offset means nothing
    if (offset > wad.size() || size > wad.size() - offset) {
      fail(kWhere, "{}: lump {} ({} bytes at {}) lies outside the file of {} bytes", file, name,
           size, offset, wad.size());
    }
    const std::string_view lump = wad.substr(offset, size);
    if (is_midi(lump)) songs.push_back({name, std::string(lump)});
    if (lump.starts_with("MUS\x1A")) log_warning("{}: lump {} is MUS music, left out", file, name);
  }
  return songs;
}

std::vector<MidiSong> songs_of_file(const fs::path& path) {
  std::string bytes = read_file(path, kMaxFileBytes);
  const std::string base = path.stem().string();
  if (is_midi(bytes)) return {{base, std::move(bytes)}};
  if (!is_wad(bytes)) {
    fail(kWhere, "{}: neither a MIDI file (MThd) nor a Doom WAD (IWAD, PWAD)", path.string());
  }
  std::vector<MidiSong> songs = songs_of_wad(bytes, path.string());
  if (songs.empty()) log_warning("{}: holds no MIDI music", path.string());
  for (MidiSong& song : songs) song.name = base + "_" + song.name;
  return songs;
}

}  // namespace

std::string file_name_from(std::string text) {
  constexpr size_t kMaxBytes = 100;
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  text.resize(std::min(text.size(), kMaxBytes));
  for (char& c : text) {
    if (kAllowed.find(c) == std::string_view::npos) c = '_';
  }
  if (text.empty()) return "_";
  if (text[0] == '.' || text[0] == '-') text[0] = '_';
  return text;
}

std::vector<MidiSong> read_midi_songs(const std::vector<fs::path>& inputs) {
  std::vector<MidiSong> songs;
  std::set<std::string> contents, names;
  for (const fs::path& input : inputs) {
    for (MidiSong& song : songs_of_file(input)) {
      if (!contents.insert(song.bytes).second) continue;
      const std::string wanted = file_name_from(song.name);
      song.name = wanted;
      for (int copy = 2; !names.insert(song.name).second; ++copy) {
        song.name = fmt::format("{}_{}", wanted, copy);
      }
      songs.push_back(std::move(song));
    }
  }
  return songs;
}

}  // namespace cocola
