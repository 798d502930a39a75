#include "eval/accuracy_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "support/python.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

AccuracyChart chart_to(int64_t most) {
  AccuracyChart chart{.title = "Tom & \"Jerry\" <b>",
                      .subtitle = "line\nbreak \x1b[31m zw\xc3\xb6lf",
                      .most_candidates = most,
                      .curves = {}};
  for (const char* name : {"trained", "</svg><script>", "loudness", "onsets"}) {
    ChartCurve curve{.name = name, .points = {}, .has_band = chart.curves.empty()};
    for (const int64_t k : chart_candidates(most)) {
      curve.points.push_back({k, 1.0 / static_cast<double>(k), 0.0, 1.0});
    }
    chart.curves.push_back(curve);
  }
  return chart;
}

TEST(AccuracyChart, IsWellFormedWithEveryCurveOnThePageWhateverItsTextsSay) {
  const testing::TemporaryDirectory directory;
  for (const int64_t most : {2, 3, 17, 1411, 1'000'000}) {
    write_file_atomically(directory / "a.svg", to_svg(chart_to(most)));
    const std::string found = testing::run_python(
        "import re, sys, xml.etree.ElementTree as tree\n"
        "svg = tree.parse(sys.argv[1]).getroot()\n"
        "tag = lambda e: e.tag.split('}')[1]\n"
        "print(tag(svg), svg[0].text)\n"
        "print(sum(tag(e) == 'path' for e in svg), sum(tag(e) == 'script' for e in svg.iter()))\n"
        "texts = [e.text for e in svg if tag(e) == 'text']\n"
        "print('</svg><script>' in texts, 'trained' in texts, sys.argv[2] in texts)\n"
        "width, height = float(svg.get('width')), float(svg.get('height'))\n"
        "for e in svg:\n"
        "    where = e.get('d') or e.get('points') or ''\n"
        "    for x, y in re.findall(r'([-\\d.]+),([-\\d.]+)', where):\n"
        "        assert 0 < float(x) < width and 0 < float(y) < height, where\n"
        "    for word in where.split(): assert 'nan' not in word and 'inf' not in word\n",
        {(directory / "a.svg").string(), std::to_string(most)});
    EXPECT_EQ(found, "svg Tom & \"Jerry\" <b>\n5 0\nTrue True True\n") << most;
  }
}

TEST(AccuracyChart, NeedsNothingElseAndFollowsTheColourScheme) {
  std::string svg = to_svg(chart_to(100));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme: dark"));
  const std::string space = "http://www.w3.org/2000/svg";
  svg.erase(svg.find(space), space.size());
  for (const char* reference : {"http", "url(", "href", "@import"}) {
    EXPECT_THAT(svg, Not(HasSubstr(reference)));
  }
}

TEST(AccuracyChart, CandidatesRiseFromTwoToTheLast) {
  for (const int64_t most : {2, 3, 4, 30, 1411, 100'000}) {
    const std::vector<int64_t> numbers = chart_candidates(most);
    EXPECT_EQ(numbers.front(), 2);
    EXPECT_EQ(numbers.back(), most);
    EXPECT_TRUE(std::ranges::is_sorted(numbers, std::ranges::less_equal{})) << most;
    EXPECT_LE(numbers.size(), 41u);
  }
}

TEST(AccuracyChart, RefusesWhatItCannotDraw) {
  AccuracyChart chart = chart_to(10);
  chart.curves.push_back(chart.curves[0]);
  EXPECT_THROW(to_svg(chart), Error);
  EXPECT_THROW(to_svg({.title = "", .subtitle = "", .most_candidates = 1, .curves = {}}), Error);
}

}  // namespace
}  // namespace cocola
