#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "preprocess/miniature.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lines_of;
using testing::Miniature;
namespace fs = std::filesystem;

const std::vector<std::string> kValidation = {"Actions - One Minute Smile",
                                              "Clara Berry And Wooldog - Waltz For My Victims",
                                              "Johnny Lokke - Promises & Lies",
                                              "Patrick Talbot - A Reason To Leave",
                                              "Triviul - Angelsaint",
                                              "Alexander Ross - Goodbye Bolero",
                                              "Fergessen - Nos Palpitants",
                                              "Leaf - Summerghost",
                                              "Skelpolu - Human Mistakes",
                                              "Young Griffo - Pennies",
                                              "ANiMAL - Rockshow",
                                              "James May - On The Line",
                                              "Meaxic - Take A Step",
                                              "Traffic Experiment - Sirens"};

TEST(Musdb18Hq, FourStemsWithoutTheMixtureInTheirOwnSplits) {
  Miniature data;
  data.musdb_track("train/M.E.R.C. Music - Knockout");
  data.musdb_track("train/Leaf - Summerghost");
  data.musdb_track("test/Triviul feat. The Fiend - Widow");
  data.text("train/._Leaf - Summerghost", "");
  ::testing::internal::CaptureStderr();
  const TrackList list = find_tracks({data.config(Layout::musdb18hq)});
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(
      lines_of(list),
      ElementsAre("valid musdb18hq/Leaf - Summerghost: bass drums other vocals",
                  "train musdb18hq/M.E.R.C. Music - Knockout: bass drums other vocals",
                  "test musdb18hq/Triviul feat. The Fiend - Widow: bass drums other vocals"));
  EXPECT_THAT(list.bad, IsEmpty());
  for (const TrackFiles& track : list.tracks) {
    EXPECT_EQ(track.unequal_lengths, UnequalLengths::refuse);
    EXPECT_TRUE(fs::is_regular_file(track.stems[0].files.at(0)));
  }
}

TEST(Musdb18Hq, TheFourteenOfficialSongsAreTheValidationPartOfTrain) {
  Miniature data;
  for (const std::string& name : kValidation) data.musdb_track("train/" + name, 0.01);
  data.musdb_track("train/A Classic Education - NightOwl", 0.01);
  data.musdb_track("test/BKS - Too Much", 0.01);
  const TrackList list = find_tracks({data.config(Layout::musdb18hq)});
  EXPECT_EQ(testing::sizes_of_splits(list),
            (std::map<std::string, int>{{"train", 1}, {"valid", 14}, {"test", 1}}));
}

TEST(Musdb18Hq, ADirectoryForValidationIsRespected) {
  Miniature data;
  data.musdb_track("train/a", 0.01);
  data.musdb_track("dev/b", 0.01);
  EXPECT_THAT(lines_of(find_musdb18hq_tracks(data.config(Layout::musdb18hq))),
              ElementsAre("train a: bass drums other vocals", "valid b: bass drums other vocals"));
}

TEST(Musdb18Hq, MissingAndForeignFilesAreNamed) {
  Miniature data;
  data.musdb_track("train/whole");
  data.musdb_track("train/short");
  fs::remove(data / "train/short/bass.wav");
  data.sound("train/short/accompaniment.wav");
  data.musdb_track("train/broken");
  for (const char* name : {"bass", "drums", "other"}) {
    fs::remove(data / "train/broken" / (std::string(name) + ".wav"));
  }
  ::testing::internal::CaptureStderr();
  const TrackList list = find_musdb18hq_tracks(data.config(Layout::musdb18hq));
  const std::string warnings = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines_of(list), ElementsAre("train short: drums other vocals",
                                          "train whole: bass drums other vocals"));
  EXPECT_THAT(warnings, AllOf(HasSubstr("train/short: 3 of 4 stems found"),
                              HasSubstr("train/short: accompaniment.wav: not read")));
  ASSERT_EQ(list.bad.size(), 1u);
  EXPECT_THAT(list.bad[0].reason, AllOf(HasSubstr("broken"), HasSubstr("vocals")));
}

TEST(Musdb18Hq, ALinkInPlaceOfASplitIsNamed) {
  Miniature data;
  data.musdb_track("elsewhere/train/a");
  fs::create_directories(data / "musdb18hq");
  fs::create_directory_symlink(data / "elsewhere/train", data / "musdb18hq/train");
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(testing::failure_of({data.config(Layout::musdb18hq, "musdb18hq")}),
              HasSubstr("musdb18hq: no tracks found"));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("musdb18hq: train: not read"));
}

TEST(Musdb18Hq, TheDirectoryAboveIsAcceptedToo) {
  Miniature data;
  data.musdb_track("musdb18hq/train/a");
  data.text("notes/read.me", "");
  EXPECT_THAT(lines_of(find_musdb18hq_tracks(data.config(Layout::musdb18hq))),
              ElementsAre("train a: bass drums other vocals"));
}

}  // namespace
}  // namespace cocola
