#include "eval/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace cocola {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Scores of systems on `num_names` names: a name's own level, some noise, and the system's mean.
std::vector<ScoredItem> scores_of(const std::vector<std::pair<std::string, double>>& systems,
                                  int num_names) {
  std::vector<ScoredItem> items;
  for (size_t s = 0; s < systems.size(); ++s) {
    for (int n = 0; n < num_names; ++n) {
      const double noise = 0.2 * std::sin(13.0 * n + 7.0 * static_cast<double>(s));
      items.push_back({systems[s].first,
                       "song " + std::to_string(n),
                       systems[s].second + 3.0 * std::cos(5.0 * n) + noise,
                       {},
                       {}});
    }
  }
  return items;
}

std::vector<std::string> names_of(const Comparison& comparison) {
  std::vector<std::string> names;
  for (const ComparedSystem& system : comparison.systems) names.push_back(system.name);
  return names;
}

const ComparedSystem& find(const Comparison& comparison, const std::string& name) {
  return *std::ranges::find(comparison.systems, name, &ComparedSystem::name);
}

TEST(Comparison, EqualSystemsShareARankAndTheirDifferenceIsNothing) {
  auto items = scores_of({{"x", 1.0}}, 12);
  for (int n = 0; n < 12; ++n) {
    items.push_back(items[static_cast<size_t>(n)]);
    items.back().system = "y";
  }
  const Comparison comparison = compare_systems(items);
  for (const ComparedSystem& system : comparison.systems) {
    EXPECT_EQ(system.rank, 1);
    EXPECT_DOUBLE_EQ(*system.both.best, 0.5);
  }
  const PairedDifference& difference = *comparison.systems[1].both.difference;
  EXPECT_EQ(difference.mean.value, 0.0);
  EXPECT_EQ(difference.mean.interval->low, 0.0);
  EXPECT_EQ(difference.mean.interval->high, 0.0);
  EXPECT_EQ(*difference.p, 1.0);
}

TEST(Comparison, PairedDifferencesAreSharperThanTheMeans) {
  const Comparison comparison = compare_systems(scores_of({{"random", 50.0}, {"x", 51.0}}, 30));
  const SystemScore& x = find(comparison, "x").both;
  EXPECT_LT(find(comparison, "x").both.mean.interval->low,
            find(comparison, "random").both.mean.interval->high);  // the means overlap
  EXPECT_GT(x.difference->mean.interval->low, 0.0);
  EXPECT_LT(*x.difference->p, 0.001);
  EXPECT_EQ(find(comparison, "x").rank, 1);
  EXPECT_EQ(find(comparison, "random").rank, 2);
}

TEST(Comparison, RowsAreBaselineThenSystemsThenTruth) {
  const auto items =
      scores_of({{"ground_truth", 3.0}, {"b", 1.0}, {"Random-Pairs", 0.0}, {"a", 2.0}}, 5);
  EXPECT_THAT(names_of(compare_systems(items)),
              ElementsAre("Random-Pairs", "b", "a", "ground_truth"));
  EXPECT_THAT(names_of(compare_systems(items, "a")),
              ElementsAre("a", "b", "Random-Pairs", "ground_truth"));
}

TEST(Comparison, AScoreThatOneModelLacksIsLeftOutForAll) {
  const Comparison comparison = compare_systems(scores_of({{"x", 0.0}, {"y", 1.0}}, 5));
  EXPECT_FALSE(comparison.systems[0].harmonic);
  EXPECT_THAT(comparison.to_text(), HasSubstr("none"));
  EXPECT_TRUE(comparison.to_json()["systems"][0]["harmonic"].is_null());
}

TEST(Comparison, OneNameGivesNoIntervalAndNoOrder) {
  const Comparison comparison = compare_systems(scores_of({{"x", 0.0}, {"y", 9.0}}, 1));
  for (const ComparedSystem& system : comparison.systems) {
    EXPECT_EQ(system.rank, 1);
    EXPECT_FALSE(system.both.mean.interval);
    EXPECT_FALSE(system.both.best);
  }
  EXPECT_FALSE(comparison.systems[1].both.difference->p);
  EXPECT_THAT(comparison.to_text(), HasSubstr("intervals are undefined"));
}

TEST(Comparison, WhatCannotBeComparedIsRefused) {
  const auto message = [](const std::string& part) {
    return ThrowsMessage<Error>(HasSubstr(part));
  };
  EXPECT_THAT(
      [] {
        compare_systems(scores_of({{"x", 0.0}}, 3));
      },
      message("one system alone, 'x'"));
  EXPECT_THAT(
      [] {
        compare_systems(scores_of({{"x", 0.0}, {"y", 0.0}}, 3), "z");
      },
      message("'z' is none of the systems: x, y"));
  EXPECT_THAT(
      [] {
        compare_systems(scores_of({{"x", 0.0}, {"x", 0.0}}, 3));
      },
      message("'song 0' twice"));
  auto items = scores_of({{"x", 0.0}, {"y", 0.0}}, 1);
  items[0].both.reset();
  EXPECT_THAT([&] { compare_systems(items); }, message("no name has a score of every system"));
  EXPECT_THAT(
      [] {
        compare_systems(OrderedJson{{"scores", {{{"a", "x"}, {"b", "y"}}}}});
      },
      message("no pair names a system"));
}

}  // namespace
}  // namespace cocola
