#include "preprocess/datasets/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "preprocess/miniature.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lines_of;
using testing::Miniature;

class Dataset : public ::testing::Test {
 protected:
  void SetUp() override {
    data_.slakh_track("slakh/train/Track00001", {"S00", "S01"});
    data_.slakh_track("slakh/train/Track00002", {"S00"});
    data_.slakh_track("slakh/validation/Track01501", {"S00", "S01"});
    data_.slakh_track("slakh/test/Track01876", {"S00", "S01"});
    slakh_ = data_.config(Layout::slakh2100, "slakh");
  }

  Miniature data_;
  DatasetConfig slakh_;
};

TEST_F(Dataset, TakeChoosesByTheSplitThatTracksComeWith) {
  slakh_.take_train = slakh_.take_test = false;
  TrackList list = find_tracks({slakh_});
  EXPECT_THAT(lines_of(list), ElementsAre("valid slakh2100/Track01501: S00 S01"));
  EXPECT_THAT(list.bad, IsEmpty());
  slakh_.take_train = true;
  list = find_tracks({slakh_});
  EXPECT_THAT(lines_of(list), ElementsAre("train slakh2100/Track00001: S00 S01",
                                          "valid slakh2100/Track01501: S00 S01"));
  ASSERT_EQ(list.bad.size(), 1u);
  EXPECT_EQ(list.bad[0].name, "slakh2100/Track00002");
  EXPECT_EQ(list.bad[0].split, "train");
}

TEST_F(Dataset, IntoPutsAllThatIsTakenIntoOneSplit) {
  slakh_.into = IntoSplit::test;
  const TrackList list = find_tracks({slakh_});
  EXPECT_EQ(list.tracks.size(), 3u);
  EXPECT_THAT(list.tracks, Each(Field(&TrackFiles::split, "test")));
  EXPECT_THAT(list.bad, Each(Field(&BadTrack::split, "test")));
}

TEST_F(Dataset, OneRootMayServeTwiceWithSplitsThatDiffer) {
  DatasetConfig held_out = slakh_;
  slakh_.take_test = false;
  held_out.take_train = held_out.take_valid = false;
  held_out.into = IntoSplit::valid;
  EXPECT_THAT(
      lines_of(find_tracks({slakh_, held_out})),
      ElementsAre("train slakh2100/Track00001: S00 S01", "valid slakh2100/Track01501: S00 S01",
                  "valid slakh2100/Track01876: S00 S01"));
}

TEST_F(Dataset, NamesArePutBeforeTracksAndKeepDataSetsApart) {
  DatasetConfig again = slakh_;
  EXPECT_THAT(testing::failure_of({slakh_, again}),
              AllOf(HasSubstr("two tracks are named slakh2100/Track00001"),
                    HasSubstr("slakh/train/Track00001/stems"), HasSubstr("name the data sets")));
  again.name = "again";
  again.take_valid = again.take_test = false;
  const TrackList list = find_tracks({slakh_, again});
  EXPECT_THAT(
      lines_of(list),
      ElementsAre("train again/Track00001: S00 S01", "train slakh2100/Track00001: S00 S01",
                  "valid slakh2100/Track01501: S00 S01", "test slakh2100/Track01876: S00 S01"));
  EXPECT_THAT(list.bad, ElementsAre(Field(&BadTrack::name, "again/Track00002"),
                                    Field(&BadTrack::name, "slakh2100/Track00002")));
}

TEST_F(Dataset, ATrackThatLiesInTwoSplitsIsRefused) {
  data_.slakh_track("slakh/test/Track00001", {"S00", "S01"});
  EXPECT_THAT(testing::failure_of({slakh_}),
              AllOf(HasSubstr("two tracks are named slakh2100/Track00001"), HasSubstr("slakh/test"),
                    HasSubstr("slakh/train")));
}

TEST_F(Dataset, FoldersHaveNoPrefixUnlessTheyHaveAName) {
  data_.sound("mine/song/a.wav");
  data_.sound("mine/song/b.wav");
  DatasetConfig mine = data_.config(Layout::folder, "mine");
  EXPECT_EQ(find_tracks({mine}).tracks.at(0).name, "song");
  mine.name = "mine";
  EXPECT_EQ(find_tracks({mine}).tracks.at(0).name, "mine/song");
}

TEST_F(Dataset, TheLengthRuleOfTheConfigurationGoesBeforeTheLayouts) {
  const std::pair<LengthRule, UnequalLengths> cases[] = {
      {LengthRule::layout, UnequalLengths::pad},
      {LengthRule::refuse, UnequalLengths::refuse},
      {LengthRule::cut, UnequalLengths::cut},
      {LengthRule::pad, UnequalLengths::pad}};
  for (const auto& [rule, expected] : cases) {
    slakh_.lengths = rule;
    EXPECT_THAT(find_tracks({slakh_}).tracks, Each(Field(&TrackFiles::unequal_lengths, expected)));
  }
}

}  // namespace
}  // namespace cocola
