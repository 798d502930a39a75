#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "preprocess/miniature.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kQuartet;
using testing::lines_of;
using testing::Miniature;
namespace fs = std::filesystem;

TrackList find(const Miniature& data) {
  return find_cocochorales_tracks(data.config(Layout::cocochorales));
}

TEST(CocoChorales, FourStemsOfEachEnsembleInTheirOwnSplits) {
  Miniature data;
  data.cocochorales_track("train/string_track000001", kQuartet);
  data.cocochorales_track("valid/brass_track192001",
                          {"1_trumpet", "2_horn", "3_trombone", "4_tuba"});
  data.cocochorales_track("test/random_track216001",
                          {"0_oboe", "1_horn", "2_viola", "3_double bass"});
  ::testing::internal::CaptureStderr();
  const TrackList list = find_tracks({data.config(Layout::cocochorales)});
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(
      lines_of(list),
      ElementsAre("valid cocochorales/brass_track192001: 1_trumpet 2_horn 3_trombone 4_tuba",
                  "test cocochorales/random_track216001: 0_oboe 1_horn 2_viola 3_double bass",
                  "train cocochorales/string_track000001: 1_violin 2_violin 3_viola 4_cello"));
  EXPECT_THAT(list.bad, IsEmpty());
}

TEST(CocoChorales, TheTrackWithAShorterStemIsPadded) {
  Miniature data;
  data.cocochorales_track("train/string_track001353", kQuartet, 0.5);
  data.sound("train/string_track001353/stems_audio/3_viola.wav", 0.3, 16000);
  const TrackList list = find_tracks({data.config(Layout::cocochorales)});
  ASSERT_EQ(list.tracks.size(), 1u);
  const Track track(list.tracks[0], 16000, data / "");
  EXPECT_EQ(track.num_samples(), 8000);
  std::vector<int16_t> tail(3200);
  track.read(2, 4800, tail);
  EXPECT_THAT(tail, ::testing::Each(0));
}

TEST(CocoChorales, AnIncompleteTrackIsNamed) {
  Miniature data;
  data.cocochorales_track("train/string_track000001", {"1_violin", "3_viola", "4_cello"});
  data.cocochorales_track("train/string_track000002", kQuartet);
  fs::remove_all(data / "train/string_track000002/stems_audio");
  data.cocochorales_track("train/string_track000003", {"1_violin"});
  ::testing::internal::CaptureStderr();
  const TrackList list = find(data);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("string_track000001/stems_audio: 3 of 4 stems"));
  EXPECT_THAT(lines_of(list), ElementsAre("train string_track000001: 1_violin 3_viola 4_cello"));
  ASSERT_EQ(list.bad.size(), 2u);
  EXPECT_THAT(list.bad[0].reason, HasSubstr("string_track000002/stems_audio: cannot be listed"));
  EXPECT_THAT(list.bad[1].reason, HasSubstr("at least two stems"));
}

TEST(CocoChorales, TheChosenEnsemblesAloneAreRead) {
  Miniature data;
  for (const char* track : {"string_track000001", "brass_track000002", "random_track000003",
                            "woodwind_track000004", "randomly_named", "of_my_own"}) {
    data.cocochorales_track(std::string("train/") + track, kQuartet);
  }
  const auto names_of = [&](const Ensembles& ensembles) {
    DatasetConfig dataset = data.config(Layout::cocochorales);
    dataset.ensembles = ensembles;
    std::vector<std::string> names;
    for (const TrackFiles& track : find_cocochorales_tracks(dataset).tracks) {
      names.push_back(track.name);
    }
    return names;
  };
  EXPECT_EQ(names_of({}).size(), 6u);
  EXPECT_THAT(names_of({false, false, false, true}), ElementsAre("random_track000003"));
  EXPECT_THAT(names_of({true, true, false, false}),
              ElementsAre("brass_track000002", "string_track000001"));
  EXPECT_THAT(names_of({false, false, true, false}), ElementsAre("woodwind_track000004"));
}

TEST(CocoChorales, EnsemblesThatAreNotThereAreAnError) {
  Miniature data;
  data.cocochorales_track("train/string_track000001", kQuartet);
  DatasetConfig dataset = data.config(Layout::cocochorales);
  dataset.ensembles = {false, false, false, true};
  try {
    find_tracks({dataset});
    FAIL() << "found";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(),
                AllOf(HasSubstr(dataset.root), HasSubstr("no track"), HasSubstr("ensembles")));
  }
}

TEST(CocoChorales, TheDirectoryAboveIsAcceptedAndStrangersBesideTheSplitsAreNamed) {
  Miniature data;
  data.cocochorales_track("original/train/string_track000001", kQuartet);
  data.cocochorales_track("original/extra/string_track000002", kQuartet);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(find(data).tracks.size(), 1u);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("original: extra: not read"));
}

}  // namespace
}  // namespace cocola
