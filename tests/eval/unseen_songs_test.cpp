#include "eval/unseen_songs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/error.h"
#include "eval/small_songs.h"
#include "model/training_tracks.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class UnseenSongs : public ::testing::Test {
 protected:
  // A model trained on `songs`, of these shards or of others.
  static ModelCard trained_on(const std::vector<std::string>& songs,
                              const std::string& data_digest = "of other shards") {
    ModelCard card;
    card.training_tracks = track_list(songs);
    card.data_digest = data_digest;
    return card;
  }
  DataOrigin check(const ModelCard& card, const std::string& split = "test") const {
    return check_unseen(card, "m.safetensors", ShardSet(directory_.path(), split, true),
                        directory_.path(), split);
  }
  std::string own_digest() const { return digest_of_file(directory_ / kManifestName); }

  const testing::TemporaryDirectory directory_;
};

TEST_F(UnseenSongs, OtherDataOfOtherSongsAreWelcome) {
  testing::write_songs(directory_.path(), {"a", "b"});
  const DataOrigin origin = check(trained_on({"c", "d"}));
  EXPECT_FALSE(origin.is_own);
  EXPECT_EQ(origin.trained_on, false);
  EXPECT_THAT(describe(origin), AllOf(HasSubstr("Another data set"), HasSubstr("not trained on")));
}

TEST_F(UnseenSongs, TracksOfTheTrainingAreRefusedAndNamed) {
  testing::write_songs(directory_.path(), {"a", "b", "e", "f", "g"});
  for (const std::string& digest : {std::string("of other shards"), own_digest()}) {
    try {
      check(trained_on({"b", "c", "e", "f", "g"}, digest));
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr("m.safetensors"), HasSubstr(directory_.path().string()),
                                  HasSubstr("4 of the 5 tracks"), HasSubstr("b, e, f, ...")));
    }
  }
}

TEST_F(UnseenSongs, TheTrainingSplitOfTheOwnDataIsCalledWhatItIs) {
  testing::write_songs(directory_.path(), {"a", "b"}, "train");
  const DataOrigin origin = check(trained_on({"a", "b"}, own_digest()), "train");
  EXPECT_TRUE(origin.is_own);
  EXPECT_EQ(origin.trained_on, true);
  EXPECT_THAT(describe(origin), HasSubstr("TRAINED ON THESE SONGS"));
  EXPECT_THROW(check(trained_on({"a", "b"}), "train"), Error);  // of another data set it is not
}

TEST_F(UnseenSongs, AModelWithoutAListLeavesTheQuestionOpen) {
  testing::write_songs(directory_.path(), {"a", "b"});
  const DataOrigin origin = check(trained_on({}, own_digest()));
  EXPECT_TRUE(origin.is_own);
  EXPECT_FALSE(origin.trained_on.has_value());
  EXPECT_THAT(describe(origin), HasSubstr("does not list"));
}

}  // namespace
}  // namespace cocola
