#include "eval/line_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(LinePlot, TicksAreRoundAndInsideForAnyRange) {
  for (const double low : {-1000.0, -0.3, 0.0, 1e-7, 99.0}) {
    for (const double length : {1e-9, 0.017, 1.0, 7.3, 12345.0}) {
      const std::vector<double> ticks = round_ticks(low, low + length, 4);
      EXPECT_GE(ticks.size(), 3u) << low << " " << length;
      EXPECT_LE(ticks.size(), 11u);
      EXPECT_GE(ticks.front(), low - 1e-6 * length);
      EXPECT_LE(ticks.back(), low + length + 1e-6 * length);
      EXPECT_TRUE(std::is_sorted(ticks.begin(), ticks.end()));
    }
  }
}

TEST(LinePlot, CurvesThatAreFlatOrOnePointAreDrawn) {
  const std::string svg = to_svg(
      {.title = "a<b", .x_label = "x", .curves = {{"flat", {{0, 2}, {1, 2}}}, {"one", {{0, 2}}}}});
  EXPECT_THAT(svg, HasSubstr("a&lt;b"));
  EXPECT_THAT(svg, HasSubstr("flat"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(LinePlot, PicturesWithoutCurvesOrPointsAreRefused) {
  EXPECT_THROW(to_svg({.title = "", .x_label = "", .curves = {}}), Error);
  EXPECT_THROW(to_svg({.title = "", .x_label = "", .curves = {{"x", {}}}}), Error);
}

}  // namespace
}  // namespace cocola
