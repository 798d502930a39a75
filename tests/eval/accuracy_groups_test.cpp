#include "eval/accuracy_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "batches/pair_reader.h"
#include "shards/example_shard.h"
#include "stems/submix.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(AccuracyGroups, ADataSetIsWhatStandsBeforeTheFirstSlash) {
  EXPECT_EQ(dataset_of("moisesdb/Song / of two"), "moisesdb");
  EXPECT_EQ(dataset_of("Song"), kNoDataset);
  EXPECT_EQ(dataset_of(""), kNoDataset);
}

TEST(AccuracyGroups, AnInstrumentIsANameWithoutNumbersAndSource) {
  for (const char* name : {"guitar", "Guitar", "guitar/4f1c-22", "03_guitar", "2 - guitar 2"}) {
    EXPECT_EQ(instrument_of(name), "guitar") << name;
  }
  EXPECT_EQ(instrument_of("french_horn"), "french_horn");
  for (const char* name : {"", "S00", "S1", "12", "_", "7/guitar"}) {
    EXPECT_EQ(instrument_of(name), "") << name;
  }
}

class GroupsOfWindows : public ::testing::Test {
 protected:
  ShardSet write() const {
    write_manifest(directory_.path(), {.settings = shard_.settings,
                                       .config_yaml = "",
                                       .version = "test",
                                       .shards = {shard_.write(directory_ / "train.h5")}});
    return ShardSet(directory_.path(), "train", true);
  }
  const testing::TemporaryDirectory directory_;
  testing::ExampleShard shard_;
};

TEST_F(GroupsOfWindows, WindowsFollowTheDataSetOfTheirTrack) {
  shard_.tracks[0].name = "set/one";
  EXPECT_THAT(windows_by_dataset(write()),
              ElementsAre(Pair("set", ElementsAre(0)), Pair(kNoDataset, ElementsAre(1, 2))));
}

TEST_F(GroupsOfWindows, AWindowCountsForEachInstrumentOfTheAnchorWithEachOfThePositive) {
  shard_.tracks[1].stem_names = {"S00", "01_bass", "drums"};
  const ShardSet shards = write();
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::map<InstrumentPair, std::vector<int64_t>> expected;
    for (int64_t w = 0; w < 3; ++w) {
      const ShardWindow& window = shard_.windows[static_cast<size_t>(w)];
      const auto choice = choose_submixes(window.audible, seed, kEvaluationEpoch, shards.key_of(w));
      const auto& stems = shard_.tracks[static_cast<size_t>(window.track)].stem_names;
      for (const int a : choice.anchor) {
        for (const int b : choice.positive) {
          const InstrumentPair pair{instrument_of(stems[static_cast<size_t>(a)]),
                                    instrument_of(stems[static_cast<size_t>(b)])};
          if (!pair.first.empty() && !pair.second.empty()) expected[pair].push_back(w);
        }
      }
    }
    EXPECT_EQ(windows_by_instruments(shards, seed), expected) << seed;
  }
}

TEST_F(GroupsOfWindows, TwoStemsOfOneInstrumentCountOnce) {
  shard_.tracks[1].stem_names = {"guitar 1", "x", "guitar 2"};
  shard_.windows[2].audible = {1, 0, 1};
  const auto groups = windows_by_instruments(write(), 1);
  EXPECT_THAT(groups.at({"guitar", "guitar"}), ElementsAre(1, 2));
}

}  // namespace
}  // namespace cocola
