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

TrackList find(const Miniature& data) {
  return find_slakh2100_tracks(data.config(Layout::slakh2100));
}

// One track for each number, as empty files: names alone decide splits.
void flat_tracks(const Miniature& data, const std::vector<int>& numbers) {
  for (const int number : numbers) {
    for (const char* stem : {"S00", "S01"}) {
      data.text(fmt::format("babyslakh_16k/Track{:05}/stems/{}.wav", number, stem), "");
    }
  }
}

TEST(Slakh2100, StemsOfTheOriginalWithGapsInTheirNumbers) {
  Miniature data;
  data.slakh_track("train/Track00001", {"S00", "S02", "S10"});
  data.slakh_track("validation/Track01501", {"S01", "S03"});
  data.slakh_track("test/Track01876", {"S00", "S01"});
  ::testing::internal::CaptureStderr();
  const TrackList list = find_tracks({data.config(Layout::slakh2100)});
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(lines_of(list), ElementsAre("train slakh2100/Track00001: S00 S02 S10",
                                          "valid slakh2100/Track01501: S01 S03",
                                          "test slakh2100/Track01876: S00 S01"));
  EXPECT_EQ(list.tracks[0].unequal_lengths, UnequalLengths::pad);
}

TEST(Slakh2100, ReduxLeavesOutItsOmittedTracks) {
  Miniature data;
  data.slakh_track("slakh2100_flac_redux/train/Track00002", {"S00", "S01"});
  data.slakh_track("slakh2100_flac_redux/omitted/Track00001", {"S00", "S01"});
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(lines_of(find(data)), ElementsAre("train Track00002: S00 S01"));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Slakh2100, MetadataNeverDecide) {
  Miniature data;
  // S00 was never rendered; S07 is listed but missing; stray bytes; no YAML at all.
  data.slakh_track("train/Track00446", {"S01", "S02"},
                   "stems:\n  S00: {audio_rendered: false}\n  S01: {audio_rendered: true}\n"
                   "  S02: {}\n  S07: {audio_rendered: true}\n");
  data.slakh_track("train/Track00487", {"S01", "S02"}, "\x01\xfe\xffUUID: [\n");
  data.slakh_track("train/Track00590", {"S01", "S02"}, std::string("\0\0{{{", 5));
  data.slakh_track("train/Track01009", {"S01", "S02"});
  fs::remove(data / "train/Track01009/metadata.yaml");
  const TrackList list = find(data);
  EXPECT_EQ(list.tracks.size(), 4u);
  for (const std::string& line : lines_of(list)) EXPECT_THAT(line, HasSubstr(": S01 S02"));
  EXPECT_THAT(list.bad, IsEmpty());
}

TEST(Slakh2100, CompanionFilesOfThe16kHzArchiveAreNoStems) {
  Miniature data;
  data.slakh_track("slakh2100_redux_16k/test/Track01876", {"S00", "S01"});
  data.text("slakh2100_redux_16k/test/Track01876/stems/._S00.flac", "Mac OS X");
  data.text("slakh2100_redux_16k/test/._Track01876", "Mac OS X");
  data.text("slakh2100_redux_16k/._test", "Mac OS X");
  const TrackList list = find(data);
  EXPECT_THAT(lines_of(list), ElementsAre("test Track01876: S00 S01"));
  EXPECT_THAT(list.bad, IsEmpty());
}

TEST(Slakh2100, OtherAudioBesideTheStemsIsNamed) {
  Miniature data;
  data.slakh_track("train/Track00001", {"S00", "S01", "Sxx", "drums"});
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(lines_of(find(data)), ElementsAre("train Track00001: S00 S01"));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("Track00001/stems: Sxx.flac, drums.flac: not read"));
}

TEST(Slakh2100, TracksWithoutTwoStemsAreBad) {
  Miniature data;
  data.slakh_track("train/Track00001", {"S00", "S01"});
  data.slakh_track("train/Track00002", {"S00"});
  data.slakh_track("train/Track00003", {});
  const TrackList list = find(data);
  EXPECT_THAT(lines_of(list), ElementsAre("train Track00001: S00 S01"));
  ASSERT_EQ(list.bad.size(), 2u);
  EXPECT_THAT(list.bad[0].reason, AllOf(HasSubstr("Track00002"), HasSubstr("S00")));
  EXPECT_THAT(list.bad[1].reason, HasSubstr("Track00003/stems: cannot be listed"));
}

TEST(Slakh2100, BabySlakhIsSplitByTheSharesForItsNumbersAreAllOfTrain) {
  Miniature data;
  data.slakh_track("babyslakh_16k/Track00001", {"S00", "S01"}, "", 0.05, ".wav");
  std::vector<int> numbers;
  for (int i = 2; i <= 20; ++i) numbers.push_back(i);
  flat_tracks(data, numbers);
  EXPECT_EQ(testing::sizes_of_splits(find(data)),
            (std::map<std::string, int>{{"train", 16}, {"valid", 2}, {"test", 2}}));
  DatasetConfig shares = data.config(Layout::slakh2100);
  shares.train = 0.5, shares.valid = 0.25, shares.test = 0.25;
  EXPECT_EQ(testing::sizes_of_splits(find_slakh2100_tracks(shares)),
            (std::map<std::string, int>{{"train", 10}, {"valid", 5}, {"test", 5}}));
}

TEST(Slakh2100, TracksWithoutSplitsKeepTheOriginalOnesWhereTheirNumbersReachAll) {
  Miniature data;
  flat_tracks(data, {1, 1500, 1501, 1875, 1876, 2100});
  EXPECT_THAT(lines_of(find(data)),
              ElementsAre("train Track00001: S00 S01", "train Track01500: S00 S01",
                          "valid Track01501: S00 S01", "valid Track01875: S00 S01",
                          "test Track01876: S00 S01", "test Track02100: S00 S01"));
}

TEST(Slakh2100, TwoReleasesBelowOneRootMustBeToldApart) {
  Miniature data;
  data.slakh_track("slakh2100_flac_redux/train/Track00002", {"S00", "S01"});
  data.slakh_track("slakh2100_redux_16k/train/Track00002", {"S00", "S01"});
  EXPECT_THAT(testing::failure_of({data.config(Layout::slakh2100)}),
              AllOf(HasSubstr("slakh2100_flac_redux"), HasSubstr("slakh2100_redux_16k")));
}

}  // namespace
}  // namespace cocola
