#include "stems/submix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace cocola {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kDraws = 20000;

// Sum of (observed - expected)^2 / expected over equally likely outcomes 1 .. counts.size().
double chi_square(const std::vector<int64_t>& counts) {
  double total = 0.0, sum = 0.0;
  for (const int64_t count : counts) total += static_cast<double>(count);
  const double expected = total / static_cast<double>(counts.size());
  for (const int64_t count : counts) {
    const double difference = static_cast<double>(count) - expected;
    sum += difference * difference / expected;
  }
  return sum;
}

// Above the 99.99 % quantile of chi-square for up to 6 degrees of freedom.
constexpr double kLimit = 28.0;

std::vector<SubmixChoice> draw_many(const std::vector<uint8_t>& audible) {
  std::vector<SubmixChoice> choices;
  for (int64_t window = 0; window < kDraws; ++window) {
    choices.push_back(choose_submixes(audible, 11, 3, window));
  }
  return choices;
}

TEST(Submix, SubsetsAreDisjointNonEmptyAscendingAndAudible) {
  const std::vector<uint8_t> audible = {1, 0, 1, 1, 0, 1, 1};
  for (const SubmixChoice& choice : draw_many(audible)) {
    ASSERT_FALSE(choice.anchor.empty());
    ASSERT_FALSE(choice.positive.empty());
    std::vector<int> all = choice.anchor;
    all.insert(all.end(), choice.positive.begin(), choice.positive.end());
    for (const int stem : all) ASSERT_EQ(audible.at(static_cast<size_t>(stem)), 1);
    ASSERT_TRUE(std::is_sorted(choice.anchor.begin(), choice.anchor.end()));
    ASSERT_TRUE(std::is_sorted(choice.positive.begin(), choice.positive.end()));
    std::sort(all.begin(), all.end());
    ASSERT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  }
}

TEST(Submix, APairHasTheExpectedNumberOfStemsOnAverage) {
  EXPECT_EQ(expected_stems(2), 2.0);
  EXPECT_EQ(expected_stems(4), 3.5);
  for (const size_t n : {2u, 3u, 5u, 8u}) {
    double sum = 0.0;
    for (const SubmixChoice& choice : draw_many(std::vector<uint8_t>(n, 1))) {
      sum += static_cast<double>(choice.anchor.size() + choice.positive.size());
    }
    // Five standard errors: a number up to n deviates by less than n / 2.
    const double tolerance = 2.5 * static_cast<double>(n) / std::sqrt(static_cast<double>(kDraws));
    EXPECT_NEAR(sum / static_cast<double>(kDraws), expected_stems(static_cast<int64_t>(n)),
                tolerance);
  }
}

TEST(Submix, SizesAreUniformOnTheirRanges) {
  for (const size_t n : {2u, 3u, 5u, 8u}) {
    std::vector<int64_t> anchor_sizes(n - 1, 0);
    std::map<size_t, std::vector<int64_t>> positive_sizes;  // by anchor size
    for (const SubmixChoice& choice : draw_many(std::vector<uint8_t>(n, 1))) {
      const size_t size = choice.anchor.size();
      ++anchor_sizes.at(size - 1);
      positive_sizes[size].resize(n - size);
      ++positive_sizes[size].at(choice.positive.size() - 1);
    }
    EXPECT_LT(chi_square(anchor_sizes), kLimit) << n;
    EXPECT_EQ(positive_sizes.size(), n - 1);
    for (const auto& [size, counts] : positive_sizes) {
      EXPECT_LT(chi_square(counts), kLimit) << n << " stems, anchor of " << size;
    }
  }
}

TEST(Submix, MembersAreUniformWithoutReplacement) {
  // Among four stems: the anchors of each size are equally likely, and so are the positives of size
  // one for a given anchor.
  std::map<std::vector<int>, int64_t> anchors;
  std::map<std::vector<int>, int64_t> positives_of_anchor_0;
  for (const SubmixChoice& choice : draw_many({1, 1, 1, 1})) {
    ++anchors[choice.anchor];
    if (choice.anchor == std::vector{0} && choice.positive.size() == 1) {
      ++positives_of_anchor_0[choice.positive];
    }
  }
  std::map<size_t, std::vector<int64_t>> by_size;
  for (const auto& [anchor, count] : anchors) by_size[anchor.size()].push_back(count);
  EXPECT_EQ(by_size[1].size(), 4u);
  EXPECT_EQ(by_size[2].size(), 6u);
  EXPECT_EQ(by_size[3].size(), 4u);
  for (const auto& [size, counts] : by_size) EXPECT_LT(chi_square(counts), kLimit) << size;
  std::vector<int64_t> counts;
  for (const auto& [positive, count] : positives_of_anchor_0) counts.push_back(count);
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_LT(chi_square(counts), kLimit);
}

TEST(Submix, TwoAudibleStemsArePairedInEitherOrder) {
  std::vector<int64_t> orders(2, 0);
  for (const SubmixChoice& choice : draw_many({0, 1, 0, 1})) {
    if (choice.anchor == std::vector{1}) {
      ASSERT_THAT(choice.positive, ElementsAre(3));
      ++orders[0];
    } else {
      ASSERT_THAT(choice.anchor, ElementsAre(3));
      ASSERT_THAT(choice.positive, ElementsAre(1));
      ++orders[1];
    }
  }
  EXPECT_LT(chi_square(orders), kLimit);
}

bool operator==(const SubmixChoice& a, const SubmixChoice& b) {
  return a.anchor == b.anchor && a.positive == b.positive;
}

TEST(Submix, DependsOnSeedEpochAndWindowAlone) {
  const std::vector<uint8_t> audible(6, 1);
  int64_t same_seed = 0, same_epoch = 0, same_window = 0;
  for (int64_t i = 999; i >= 0; --i) {
    const SubmixChoice choice = choose_submixes(audible, 5, 2, i);
    ASSERT_TRUE(choice == choose_submixes(audible, 5, 2, i));
    same_seed += choice == choose_submixes(audible, 6, 2, i) ? 1 : 0;
    same_epoch += choice == choose_submixes(audible, 5, 3, i) ? 1 : 0;
    same_window += choice == choose_submixes(audible, 5, 2, i + 1000) ? 1 : 0;
  }
  // Two independent draws among six stems agree about once in a hundred times.
  EXPECT_LT(same_seed, 50);
  EXPECT_LT(same_epoch, 50);
  EXPECT_LT(same_window, 50);
}

TEST(Submix, NeedsTwoAudibleStems) {
  EXPECT_THROW(choose_submixes(std::vector<uint8_t>{}, 1, 0, 0), Error);
  EXPECT_THROW(choose_submixes(std::vector<uint8_t>{0, 1, 0}, 1, 0, 0), Error);
}

TEST(AddStem, AddsValueTimesGain) {
  std::vector<float> mix = {1.0f, 2.0f, 3.0f};
  add_stem(std::vector<int16_t>{100, -200, 32767}, 0.5f, mix);
  EXPECT_THAT(mix, ElementsAre(51.0f, -98.0f, 16386.5f));
}

TEST(AddStem, RefusesOtherLengths) {
  std::vector<float> mix(3);
  EXPECT_THROW(add_stem(std::vector<int16_t>(2), 1.0f, mix), Error);
}

}  // namespace
}  // namespace cocola
