#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "preprocess/miniature.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::lines_of;
using testing::Miniature;
using ::testing::Not;
namespace fs = std::filesystem;

// All into train, so that a test of names need not know hashes.
TrackList find(const Miniature& data) {
  DatasetConfig dataset = data.config(Layout::folder, "stems");
  dataset.train = 1, dataset.valid = 0, dataset.test = 0;
  return find_tracks({dataset});
}

std::string warnings_of(const Miniature& data) {
  ::testing::internal::CaptureStderr();
  find(data);
  return ::testing::internal::GetCapturedStderr();
}

TEST(Folder, AnyAudioFileIsAStemInAnyCodecUnderAnyName) {
  Miniature data;
  data.sound("stems/Caf\xc3\xa9, \"Live\" feat. M.E.R.C. - 'Ol/lead vocals (v1.2).wav");
  data.sound("stems/Caf\xc3\xa9, \"Live\" feat. M.E.R.C. - 'Ol/b\xc3\xa4sse.FLAC");
  data.sound("stems/Caf\xc3\xa9, \"Live\" feat. M.E.R.C. - 'Ol/Kick.WAV");
  EXPECT_THAT(lines_of(find(data)),
              ElementsAre("train Caf\xc3\xa9, \"Live\" feat. M.E.R.C. - 'Ol: Kick b\xc3\xa4sse "
                          "lead vocals (v1.2)"));
}

TEST(Folder, TracksAndStemsComeInOrderOfBytes) {
  Miniature data;
  for (const char* track : {"b", "B", "a b", "a", "\xc3\xa9"}) {
    for (const char* stem : {"x", "X", "x y", "\xc3\xa9"}) {
      data.sound(std::string("stems/") + track + "/" + stem + ".wav");
    }
  }
  EXPECT_THAT(lines_of(find(data)),
              ElementsAre("train B: X x x y \xc3\xa9", "train a: X x x y \xc3\xa9",
                          "train a b: X x x y \xc3\xa9", "train b: X x x y \xc3\xa9",
                          "train \xc3\xa9: X x x y \xc3\xa9"));
}

TEST(Folder, HiddenNamesAreNeitherTracksNorStems) {
  Miniature data;
  for (const char* name : {"song/a.wav", "song/b.wav", ".cache/a.wav", ".cache/b.wav"}) {
    data.sound(std::string("stems/") + name);
  }
  data.text("stems/song/._a.wav", "resource fork");
  data.text("stems/song/.c.wav", "");
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(lines_of(find(data)), ElementsAre("train song: a b"));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Folder, OneFileOrTwoOfOneNameMakeATrackBad) {
  Miniature data;
  data.sound("stems/good/a.wav");
  data.sound("stems/good/b.wav");
  data.sound("stems/one/drums.wav");
  data.sound("stems/twins/drums.flac");
  data.sound("stems/twins/drums.wav");
  data.sound("stems/twins/bass.wav");
  fs::create_directories(data / "stems/void");
  const TrackList list = find(data);
  EXPECT_THAT(lines_of(list), ElementsAre("train good: a b"));
  ASSERT_EQ(list.bad.size(), 3u);
  EXPECT_EQ(list.bad[0].name, "one");
  EXPECT_EQ(list.bad[0].split, "train");
  EXPECT_THAT(list.bad[0].reason,
              AllOf(HasSubstr("stems/one"), HasSubstr("drums"), HasSubstr("at least two stems")));
  EXPECT_EQ(list.bad[1].name, "twins");
  EXPECT_THAT(list.bad[1].reason, AllOf(HasSubstr("drums.flac"), HasSubstr("drums.wav")));
  EXPECT_EQ(list.bad[2].name, "void");
}

TEST(Folder, TheMixIsNoStemAndIsNamed) {
  Miniature data;
  for (const char* name : {"a/bass", "a/drums", "a/mixture", "b/bass", "b/mixdown", "b/Mix"}) {
    data.sound(std::string("stems/") + name + ".wav");
  }
  EXPECT_THAT(lines_of(find(data)), ElementsAre("train a: bass drums", "train b: bass mixdown"));
  const std::string warnings = warnings_of(data);
  EXPECT_THAT(warnings, AllOf(HasSubstr("stems/a: mixture.wav: not read"),
                              HasSubstr("stems/b: Mix.wav: not read")));
  EXPECT_EQ(std::ranges::count(warnings, '\n'), 2);
}

TEST(Folder, WhatIsNotReadIsNamedOnceATrack) {
  Miniature data;
  data.sound("stems/song/a.wav");
  data.sound("stems/song/b.wav");
  data.sound("stems/song/takes/2/c.wav");
  data.text("stems/song/d.m4a", "");
  data.text("stems/song/e.MP4", "");
  data.text("stems/song/lyrics.txt", "");
  data.text("stems/song/scores/a.mid", "");
  data.sound("stems/loose.wav");
  const std::string warnings = warnings_of(data);
  EXPECT_THAT(warnings, AllOf(HasSubstr("stems/song: d.m4a, e.MP4, takes: not read"),
                              HasSubstr("stems: loose.wav: not read"), Not(HasSubstr("lyrics")),
                              Not(HasSubstr("scores"))));
  EXPECT_EQ(std::ranges::count(warnings, '\n'), 2);
}

TEST(Folder, ManyUnreadFilesAreCounted) {
  Miniature data;
  data.sound("stems/song/a.wav");
  data.sound("stems/song/b.wav");
  for (int i = 0; i < 10; ++i) data.text("stems/song/" + std::to_string(i) + ".m4a", "");
  EXPECT_THAT(warnings_of(data), AllOf(HasSubstr("7.m4a and 2 more"), Not(HasSubstr("8.m4a"))));
}

TEST(Folder, LinksMayNotLeaveTheDataSet) {
  Miniature data;
  data.sound("elsewhere/secret.wav");
  for (const char* name : {"song/a.wav", "song/b.wav", "other/c.wav", "other/d.wav"}) {
    data.sound(std::string("stems/") + name);
  }
  fs::create_symlink(data / "elsewhere/secret.wav", data / "stems/song/out.wav");
  fs::create_symlink("../../elsewhere/secret.wav", data / "stems/song/up.wav");
  fs::create_symlink("../other/c.wav", data / "stems/song/inside.wav");
  fs::create_symlink("nowhere.wav", data / "stems/song/broken.wav");
  fs::create_symlink("loop.wav", data / "stems/song/loop.wav");
  fs::create_directory_symlink(data / "elsewhere", data / "stems/linked");
  fs::create_directory_symlink("..", data / "stems/song/above");
  EXPECT_THAT(lines_of(find(data)), ElementsAre("train other: c d", "train song: a b inside"));
  EXPECT_THAT(warnings_of(data), AllOf(HasSubstr("above, broken.wav, loop.wav, out.wav, up.wav"),
                                       HasSubstr("stems: linked: not read")));
}

TEST(Folder, TheRootItselfMayBeALink) {
  Miniature data;
  data.sound("real/song/a.wav");
  data.sound("real/song/b.wav");
  fs::create_symlink("a.wav", data / "real/song/c.wav");
  fs::create_directory_symlink(data / "real", data / "stems");
  EXPECT_THAT(lines_of(find(data)), ElementsAre("train song: a b c"));
}

TEST(Folder, PipesAndDirectoriesNamedAsAudioAreNotOpened) {
  Miniature data;
  data.sound("stems/song/a.wav");
  data.sound("stems/song/b.wav");
  data.sound("stems/song/x.wav/inner.wav");
  fs::create_directories(data / "stems/song/y.wav");
  ASSERT_EQ(mkfifo((data / "stems/song/pipe.wav").c_str(), 0600), 0);
  EXPECT_THAT(lines_of(find(data)), ElementsAre("train song: a b"));
  EXPECT_THAT(warnings_of(data), HasSubstr("stems/song: pipe.wav, x.wav: not read"));
}

TEST(Folder, AnUnreadableTrackIsBadAndTheOthersStay) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads everything";
  Miniature data;
  for (const char* name : {"song/a.wav", "song/b.wav", "locked/a.wav", "locked/b.wav"}) {
    data.sound(std::string("stems/") + name);
  }
  fs::permissions(data / "stems/locked", fs::perms::none);
  const TrackList list = find(data);
  fs::permissions(data / "stems/locked", fs::perms::owner_all);
  EXPECT_THAT(lines_of(list), ElementsAre("train song: a b"));
  ASSERT_EQ(list.bad.size(), 1u);
  EXPECT_THAT(list.bad[0].reason, HasSubstr("cannot be listed"));
}

TEST(Folder, AnEmptyOrMissingRootIsNamed) {
  Miniature data;
  fs::create_directories(data / "stems");
  EXPECT_THAT(testing::failure_of({data.config(Layout::folder, "stems")}),
              AllOf(HasSubstr("stems: no tracks found"), HasSubstr("<track>/<stem>.wav")));
  EXPECT_THAT(testing::failure_of({data.config(Layout::folder, "absent")}),
              AllOf(HasSubstr("absent"), HasSubstr("cannot be listed")));
}

}  // namespace
}  // namespace cocola
