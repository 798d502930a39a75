#include "preprocess/datasets/layout_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "preprocess/miniature.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using testing::failure_of;
using ::testing::HasSubstr;
using testing::kQuartet;
using testing::Miniature;
using ::testing::Not;
namespace fs = std::filesystem;

// Every layout in a directory of its own name.
class LayoutShape : public ::testing::Test {
 protected:
  void SetUp() override {
    data_.sound("folder/song/a.wav");
    data_.sound("folder/song/b.wav");
    data_.musdb_track("musdb18hq/train/A - B");
    data_.musdb_track("musdb18hq/test/C - D");
    data_.moisesdb_track("moisesdb/36f1", {{"bass", {"1"}}, {"drums", {"2", "3"}}});
    data_.slakh_track("slakh2100/train/Track00001", {"S00", "S01"});
    data_.slakh_track("slakh2100/test/Track01876", {"S00", "S01"});
    data_.cocochorales_track("cocochorales/train/string_track000001", kQuartet);
    data_.cocochorales_track("cocochorales/valid/string_track192001", kQuartet);
  }

  static constexpr Layout kLayouts[] = {Layout::folder, Layout::musdb18hq, Layout::moisesdb,
                                        Layout::slakh2100, Layout::cocochorales};
  Miniature data_;
};

TEST_F(LayoutShape, EachLayoutIsRecognisedByNames) {
  const char* const evidence[] = {"song/a.wav", "test/C - D/bass.wav", "36f1/data.json",
                                  "test/Track01876/stems/S00.flac",
                                  "train/string_track000001/stems_audio/1_violin.wav"};
  for (size_t i = 0; i < std::size(kLayouts); ++i) {
    const LayoutGuess guess = guess_layout(data_ / to_string(kLayouts[i]));
    EXPECT_EQ(guess.layout, kLayouts[i]);
    EXPECT_EQ(guess.evidence, evidence[i]);
  }
}

TEST_F(LayoutShape, NothingIsGuessedFromOtherThings) {
  data_.text("papers/a/b.pdf", "");
  for (const char* root : {"papers", "absent", "folder/song/a.wav"}) {
    const LayoutGuess guess = guess_layout(data_ / root);
    EXPECT_EQ(guess.layout, Layout::folder);
    EXPECT_EQ(guess.evidence, "");
  }
}

TEST_F(LayoutShape, TheWrongLayoutIsAnsweredWithTheRightOne) {
  for (const Layout asked : kLayouts) {
    for (const Layout found : kLayouts) {
      const std::string failure = failure_of({data_.config(asked, to_string(found))});
      if (asked == found) {
        EXPECT_EQ(failure, "nothing was refused");
        continue;
      }
      EXPECT_THAT(failure,
                  AllOf(HasSubstr(fmt::format("no tracks of the layout {} (", to_string(asked))),
                        HasSubstr(fmt::format("looks like {}: ", to_string(found))),
                        HasSubstr(fmt::format("set layout: {}", to_string(found))),
                        Not(HasSubstr("and root:"))));
    }
  }
}

TEST_F(LayoutShape, TheRightRootIsNamedFromTwoLevelsAbove) {
  for (const Layout layout : kLayouts) {
    const std::string home = std::string("deep/below/") + to_string(layout);
    fs::remove_all(data_ / "deep");
    fs::create_directories(data_ / "deep/below");
    fs::copy(data_ / to_string(layout), data_ / home, fs::copy_options::recursive);
    EXPECT_THAT(failure_of({data_.config(layout, "deep")}),
                HasSubstr("set root: " + (data_ / home).string()));
  }
}

TEST_F(LayoutShape, TheRootOfAFolderIsNamedFromOneLevelAbove) {
  fs::create_directories(data_ / "up");
  fs::rename(data_ / "folder", data_ / "up/folder");
  EXPECT_THAT(failure_of({data_.config(Layout::folder, "up")}),
              HasSubstr("set root: " + (data_ / "up/folder").string()));
}

TEST_F(LayoutShape, TheFolderOfASplitIsAnsweredWithTheDirectoryAbove) {
  for (const char* root :
       {"musdb18hq/train", "slakh2100/test", "slakh2100/train/", "cocochorales/valid"}) {
    const std::string layout = fs::path(root).begin()->string();
    DatasetConfig dataset = data_.config(Layout::musdb18hq, root);
    if (layout == "slakh2100") dataset.layout = Layout::slakh2100;
    if (layout == "cocochorales") dataset.layout = Layout::cocochorales;
    EXPECT_THAT(failure_of({dataset}),
                AllOf(HasSubstr("the folder of one split"),
                      HasSubstr("set root: " + (data_ / layout / "").string()), HasSubstr("take")));
  }
}

TEST_F(LayoutShape, ATrackTakenForTheRootIsAnsweredWithTheDirectoryAbove) {
  EXPECT_THAT(failure_of({data_.config(Layout::folder, "folder/song")}),
              HasSubstr("set root: " + (data_ / "folder/").string()));
  EXPECT_THAT(failure_of({data_.config(Layout::moisesdb, "moisesdb/36f1")}),
              HasSubstr("set root: " + (data_ / "moisesdb/").string()));
}

TEST_F(LayoutShape, ASplitAloneOfATreeWithOneSplitIsNamedToo) {
  fs::remove_all(data_ / "musdb18hq/test");
  EXPECT_THAT(failure_of({data_.config(Layout::musdb18hq, "musdb18hq/train")}),
              HasSubstr("set root: " + (data_ / "musdb18hq/").string()));
}

TEST_F(LayoutShape, AFolderOfFourStemsInsideMusdbMayStillBeReadAsSuch) {
  const TrackList list = find_tracks({data_.config(Layout::folder, "musdb18hq/train")});
  ASSERT_EQ(list.tracks.size(), 1u);
  EXPECT_EQ(list.tracks[0].stems.size(), 4u);
}

TEST_F(LayoutShape, ARootOfTheRightShapeWithBadTracksOnlyKeepsTheirReasons) {
  Miniature data;
  data.sound("song/a.wav");
  const TrackList list = find_tracks({data.config(Layout::folder)});
  EXPECT_TRUE(list.tracks.empty());
  ASSERT_EQ(list.bad.size(), 1u);
}

}  // namespace
}  // namespace cocola
