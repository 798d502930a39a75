#include "metrics/correlation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/philox.h"

namespace cocola {
namespace {

using Values = std::vector<double>;

// Tau-b by its definition.
double kendall_by_pairs(const Values& x, const Values& y) {
  const auto sign = [](double v) { return (v > 0) - (v < 0); };
  double agreement = 0, told_by_x = 0, told_by_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const int a = sign(x[i] - x[j]), b = sign(y[i] - y[j]);
      agreement += a * b;
      told_by_x += a * a;
      told_by_y += b * b;
    }
  }
  return agreement / std::sqrt(told_by_x * told_by_y);
}

TEST(Correlation, ClosedForms) {
  const Values x = {1, 2, 3, 4, 5}, y = {2, 1, 4, 3, 7};
  // Deviations (-2 .. 2) and (-1.4, -2.4, 0.6, -0.4, 3.6): 12 / sqrt(10 * 21.2).
  EXPECT_NEAR(*pearson_correlation(x, y), 12 / std::sqrt(212.0), 1e-15);
  // 1 - 6 * (1 + 1 + 1 + 1 + 0) / (5 * 24).
  EXPECT_NEAR(*spearman_correlation(x, y), 0.8, 1e-15);
  // 8 concordant and 2 discordant of 10.
  EXPECT_NEAR(*kendall_correlation(x, y), 0.6, 1e-15);
}

TEST(Correlation, TiesShareRanksAndAreLeftOutOfTauB) {
  const Values x = {1, 1, 2, 2}, y = {1, 2, 2, 3};
  // Ranks (1.5, 1.5, 3.5, 3.5) and (1, 2.5, 2.5, 4): 3 / sqrt(4 * 4.5).
  EXPECT_NEAR(*spearman_correlation(x, y), 3 / std::sqrt(18.0), 1e-15);
  // Told apart by both: 3, all concordant; by x 4, by y 5.
  EXPECT_NEAR(*kendall_correlation(x, y), 3 / std::sqrt(20.0), 1e-15);
}

TEST(Correlation, MonotoneGivesOneForRanksAndLinearGivesOneForAll) {
  Values x, up, down, line;
  for (int i = 0; i < 40; ++i) {
    x.push_back(0.1 * i);
    up.push_back(std::exp(x.back()));
    down.push_back(-up.back());
    line.push_back(7 - 3 * x.back());
  }
  EXPECT_NEAR(*spearman_correlation(x, up), 1, 1e-14);
  EXPECT_NEAR(*kendall_correlation(x, up), 1, 1e-14);
  EXPECT_NEAR(*spearman_correlation(x, down), -1, 1e-14);
  EXPECT_NEAR(*kendall_correlation(x, down), -1, 1e-14);
  EXPECT_LT(*pearson_correlation(x, up), 0.9);
  EXPECT_NEAR(*pearson_correlation(x, line), -1, 1e-14);
}

TEST(Correlation, TauBIsThatOfAllPairsForAnyTies) {
  for (uint64_t item = 0; item < 60; ++item) {
    PhiloxStream draws(5, DrawPurpose::noise, 0, item, 0);
    Values x, y;
    const uint32_t n = 3 + draws.next_below(60), levels = 2 + draws.next_below(40);
    for (uint32_t i = 0; i < n; ++i) {
      x.push_back(draws.next_below(levels));
      y.push_back(draws.next_below(levels) + 0.3 * x.back());
    }
    const auto tau = kendall_correlation(x, y);
    if (!tau) continue;
    EXPECT_NEAR(*tau, kendall_by_pairs(x, y), 1e-12) << item;
    EXPECT_NEAR(*tau, *kendall_correlation(y, x), 1e-12) << item;
  }
}

TEST(Correlation, IsUndefinedForConstantsAndBelowThreePairs) {
  const Values two = {1, 2}, three = {1, 2, 3}, same = {4, 4, 4};
  for (const auto correlation : {pearson_correlation, spearman_correlation, kendall_correlation}) {
    EXPECT_FALSE(correlation({}, {}));
    EXPECT_FALSE(correlation(two, two));
    EXPECT_FALSE(correlation(three, same));
    EXPECT_FALSE(correlation(same, three));
    EXPECT_TRUE(correlation(three, three));
  }
}

TEST(Correlation, AnyMagnitudeAndOffsetIsRead) {
  const Values x = {1, 2, 4, 3};
  const double plain = *pearson_correlation(x, Values{1, 3, 2, 5});
  EXPECT_NEAR(*pearson_correlation(x, Values{1e300, 3e300, 2e300, 5e300}), plain, 1e-12);
  EXPECT_NEAR(*pearson_correlation(x, Values{1e-300, 3e-300, 2e-300, 5e-300}), plain, 1e-12);
  EXPECT_NEAR(*pearson_correlation(x, Values{1e6 + 1, 1e6 + 3, 1e6 + 2, 1e6 + 5}), plain, 1e-9);
}

TEST(Correlation, UnequalLengthsAndValuesThatAreNotFiniteAreRefused) {
  const Values three = {1, 2, 3}, four = {1, 2, 3, 4};
  for (const auto correlation : {pearson_correlation, spearman_correlation, kendall_correlation}) {
    EXPECT_THROW(correlation(three, four), Error);
    EXPECT_THROW(correlation(three, Values{1, std::nan(""), 3}), Error);
    EXPECT_THROW(correlation(Values{1, std::numeric_limits<double>::infinity(), 3}, three), Error);
  }
}

}  // namespace
}  // namespace cocola
