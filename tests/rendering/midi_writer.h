// Makes small MIDI files and WADs for tests, byte by byte.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace cocola::testing {

inline std::string big_endian(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

inline std::string little_endian(uint32_t value) {
  std::string text = big_endian(value, 4);
  return {text.rbegin(), text.rend()};
}

// One channel of a song: a program, and a note every quarter of a second (at 120 beats a minute).
struct MidiPart {
  int channel = 0;  // [0, 15]
  int program = 0;
  int key = 60;
  int num_notes = 8;
};

// A format 1 file with one track per part. 96 ticks a beat: 48 are a quarter of a second.
inline std::string midi_file(const std::vector<MidiPart>& parts) {
  std::string file = "MThd" + big_endian(6, 4) + big_endian(1, 2) +
                     big_endian(static_cast<uint32_t>(parts.size()), 2) + big_endian(96, 2);
  for (const MidiPart& part : parts) {
    const auto status = [&part](int type) { return static_cast<char>(type | part.channel); };
    std::string track;
    track += {'\0', status(0xC0), static_cast<char>(part.program)};
    for (int i = 0; i < part.num_notes; ++i) {
      track += {'\0', status(0x90), static_cast<char>(part.key), 100};
      track += {48, status(0x80), static_cast<char>(part.key), 64};
    }
    track += {'\0', '\xFF', 0x2F, '\0'};
    file += "MTrk" + big_endian(static_cast<uint32_t>(track.size()), 4) + track;
  }
  return file;
}

// A WAD of named lumps; the directory lies behind them.
inline std::string wad_file(const std::vector<std::pair<std::string, std::string>>& lumps) {
  std::string content, directory;
  for (const auto& [name, bytes] : lumps) {
    directory += little_endian(static_cast<uint32_t>(12 + content.size()));
    directory += little_endian(static_cast<uint32_t>(bytes.size()));
    std::string padded = name;
    padded.resize(8, '\0');
    directory += padded;
    content += bytes;
  }
  return "PWAD" + little_endian(static_cast<uint32_t>(lumps.size())) +
         little_endian(static_cast<uint32_t>(12 + content.size())) + content + directory;
}

}  // namespace cocola::testing
