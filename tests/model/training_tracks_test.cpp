#include "model/training_tracks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cocola {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(TrainingTracks, ExactlyTheNamesOfTheListAreFound) {
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("song " + std::to_string(i));
  const std::string list = track_list(names);
  EXPECT_TRUE(is_track_list(list));
  EXPECT_EQ(list.size(), 1000 * (kTrackHashDigits + 1) - 1);
  EXPECT_EQ(tracks_on_list(list, names), names);
  const std::vector<std::string> asked = {"song 1000", "song 7", "", "Song 7", "song 999"};
  EXPECT_THAT(tracks_on_list(list, asked), ElementsAre("song 7", "song 999"));
}

TEST(TrainingTracks, OrderAndRepetitionOfNamesDoNotMatter) {
  const std::vector<std::string> names = {"b", "a", "c"}, again = {"c", "b", "a", "b"};
  EXPECT_EQ(track_list(names), track_list(again));
  EXPECT_THAT(track_list(names), Not(HasSubstr("  ")));
}

TEST(TrainingTracks, NoNamesGiveAnEmptyListThatHoldsNone) {
  EXPECT_EQ(track_list({}), "");
  EXPECT_TRUE(is_track_list(""));
  const std::vector<std::string> asked = {"a", ""};
  EXPECT_THAT(tracks_on_list("", asked), IsEmpty());
}

TEST(TrainingTracks, OtherTextIsNoList) {
  EXPECT_TRUE(is_track_list("0123456789ab"));
  EXPECT_TRUE(is_track_list("0123456789ab 0123456789ac"));
  for (const char* text : {" ", "0123456789a", "0123456789abc", "0123456789AB", "0123456789ab ",
                           "0123456789ac 0123456789ab", "0123456789ab 0123456789ab",
                           "0123456789ab,0123456789ac", "0123456789ag", "\n"}) {
    EXPECT_FALSE(is_track_list(text)) << text;
  }
}

}  // namespace
}  // namespace cocola
