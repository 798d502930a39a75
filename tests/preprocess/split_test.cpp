#include "preprocess/datasets/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace cocola {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> sizes(size_t count, const DatasetConfig& shares) {
  const std::vector<std::string> splits = splits_by_recipe(count, shares);
  return {std::ranges::count(splits, "train"), std::ranges::count(splits, "valid"),
          std::ranges::count(splits, "test")};
}

TEST(Split, DirectoriesAreKnownUnderTheNamesOfAllDataSets) {
  EXPECT_EQ(split_of_directory("train"), "train");
  for (const char* name : {"valid", "validation", "val", "dev"}) {
    EXPECT_EQ(split_of_directory(name), "valid");
  }
  EXPECT_EQ(split_of_directory("test"), "test");
  for (const char* name : {"", "omitted", "trains", "Track00001"}) {
    EXPECT_EQ(split_of_directory(name), "");
  }
}

TEST(Split, TheRecipeGives192And24And24TracksAtThePublishedPlaces) {
  const std::vector<std::string> splits = splits_by_recipe(240, {});
  EXPECT_THAT(sizes(240, {}), ElementsAre(192, 24, 24));
  for (const size_t train : {45, 113, 9, 85}) EXPECT_EQ(splits[train], "train") << train;
  for (const size_t test : {237, 154, 28, 163}) EXPECT_EQ(splits[test], "test") << test;
}

TEST(Split, TheRecipeScalesToOtherCountsAndShares) {
  EXPECT_THAT(sizes(20, {}), ElementsAre(16, 2, 2));
  EXPECT_THAT(sizes(7, {}), ElementsAre(5, 0, 2));
  DatasetConfig shares;
  shares.train = 0.5, shares.valid = 0.5, shares.test = 0;
  EXPECT_THAT(sizes(9, shares), ElementsAre(4, 5, 0));
  shares.train = 0, shares.valid = 0, shares.test = 1;
  EXPECT_THAT(sizes(9, shares), ElementsAre(0, 0, 9));
  shares.train = 1, shares.valid = 0, shares.test = 0;
  EXPECT_THAT(sizes(9, shares), ElementsAre(9, 0, 0));
}

TEST(Split, AHashedTrackFollowsTheSharesAndItsNameAlone) {
  DatasetConfig shares;
  int num_train = 0, num_test = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string split = split_by_hash("track " + std::to_string(i), shares);
    num_train += split == "train";
    num_test += split == "test";
  }
  EXPECT_NEAR(num_train, 1600, 80);
  EXPECT_NEAR(num_test, 200, 60);
  shares.train = 1, shares.valid = 0, shares.test = 0;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(split_by_hash(std::to_string(i), shares), "train");
}

}  // namespace
}  // namespace cocola
