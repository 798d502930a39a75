#include "preprocess/rendering/midi_songs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "rendering/midi_writer.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::little_endian;
using testing::midi_file;
using testing::wad_file;

class MidiSongsTest : public ::testing::Test {
 protected:
  std::filesystem::path file(const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
    return directory_ / name;
  }
  std::string error(const std::filesystem::path& path) {
    try {
      read_midi_songs({path});
    } catch (const Error& e) {
      return e.what();
    }
    return "read";
  }
  static std::vector<std::string> names_of(const std::vector<MidiSong>& songs) {
    std::vector<std::string> names;
    for (const MidiSong& song : songs) names.push_back(song.name);
    return names;
  }

  testing::TemporaryDirectory directory_;
  const std::string one_ = midi_file({{0, 0, 60, 1}}), two_ = midi_file({{0, 0, 60, 2}}),
                    three_ = midi_file({{0, 0, 60, 3}});
};

TEST_F(MidiSongsTest, FilesAndMusicLumpsAreSongsInOrder) {
  const auto wad = file(
      "game.wad",
      wad_file({{"MAP01", ""}, {"D_ONE", one_}, {"PALETTE", "not music"}, {"D_EIGHT8", two_}}));
  const auto songs = read_midi_songs({file("My song.mid", three_), wad});
  EXPECT_THAT(names_of(songs), ElementsAre("My_song", "game_D_ONE", "game_D_EIGHT8"));
  EXPECT_EQ(songs[0].bytes, three_);
  EXPECT_EQ(songs[1].bytes, one_);
  EXPECT_EQ(songs[2].bytes, two_);
}

TEST_F(MidiSongsTest, TheSameBytesAreOneSong) {
  const auto wad = file("game.wad", wad_file({{"D_A", one_}, {"D_B", one_}, {"D_C", two_}}));
  EXPECT_THAT(names_of(read_midi_songs({file("a.mid", two_), wad})), ElementsAre("a", "game_D_A"));
}

TEST_F(MidiSongsTest, OtherSongsOfTheSameNameAreToldApart) {
  EXPECT_THAT(names_of(read_midi_songs(
                  {file("x/a.mid", one_), file("y/a.mid", two_), file("z/a_2.mid", three_)})),
              ElementsAre("a", "a_2", "a_2_2"));
}

TEST_F(MidiSongsTest, MusMusicIsLeftOut) {
  EXPECT_TRUE(read_midi_songs({file("old.wad", wad_file({{"D_A", "MUS\x1A and so on"}}))}).empty());
}

TEST_F(MidiSongsTest, LumpsOutsideTheFileAreRefusedByName) {
  std::string wad = wad_file({{"D_FIRST", one_}, {"D_SECOND", two_}});
  const size_t entry = wad.size() - 16;
  for (const uint32_t size : {static_cast<uint32_t>(wad.size()), 0x80000000u, 0xFFFFFFFFu}) {
    EXPECT_THAT(error(file("bad.wad", wad.substr(0, entry + 4) + little_endian(size) + "D_SECOND")),
                HasSubstr("lump D_SECOND"))
        << size;
  }
  for (const uint32_t offset : {static_cast<uint32_t>(wad.size()), 0x80000000u, 0xFFFFFFFFu}) {
    std::string changed = wad;
    changed.replace(entry, 4, little_endian(offset));
    EXPECT_THAT(error(file("bad.wad", changed)), HasSubstr("lump D_SECOND")) << offset;
  }
}

TEST_F(MidiSongsTest, DirectoriesOutsideTheFileAreRefused) {
  const std::string wad = wad_file({{"D_FIRST", one_}});
  for (const uint32_t count : {2u, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
    std::string changed = wad;
    changed.replace(4, 4, little_endian(count));
    EXPECT_THAT(error(file("bad.wad", changed)), HasSubstr("directory")) << count;
  }
  EXPECT_THAT(error(file("cut.wad", wad.substr(0, wad.size() - 1))), HasSubstr("directory"));
  EXPECT_THAT(error(file("short.wad", "PWAD")), HasSubstr("header"));
}

TEST_F(MidiSongsTest, OtherFilesAreRefused) {
  EXPECT_THAT(error(file("notes.mid", "do re mi")), HasSubstr("neither a MIDI file"));
  EXPECT_THAT(error(file("empty.mid", "")), HasSubstr("neither a MIDI file"));
  EXPECT_THAT(error(directory_ / "missing.mid"), HasSubstr("missing.mid"));
  EXPECT_THAT(error(directory_.path()), HasSubstr("not a regular file"));
}

TEST(FileName, HoldsOnlyHarmlessCharacters) {
  EXPECT_EQ(file_name_from("relax_song-2.b"), "relax_song-2.b");
  EXPECT_EQ(file_name_from("a/b\\c d\n\"'"), "a_b_c_d___");
  EXPECT_EQ(file_name_from("../x"), "_._x");
  EXPECT_EQ(file_name_from("-rf"), "_rf");
  EXPECT_EQ(file_name_from(""), "_");
  EXPECT_EQ(file_name_from(std::string(300, 'x')).size(), 100u);
  EXPECT_EQ(file_name_from("\xC3\xA4"), "__");
}

}  // namespace
}  // namespace cocola
