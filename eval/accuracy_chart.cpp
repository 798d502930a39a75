#include "eval/accuracy_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/markup.h"

namespace cocola {
namespace {

constexpr double kWidth = 760, kHeight = 460;
constexpr double kLeft = 64, kRight = 596, kTop = 66, kBottom = 402;
constexpr int kNumSteps = 40;

// Colours that differ in lightness too, for those who see hues less well.
constexpr const char* kStyle = R"(
  text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #24292f }
  .back { fill: #ffffff } .title { font-size: 16px; font-weight: 600 } .quiet { fill: #57606a }
  .grid { stroke: #d8dee4; stroke-width: 1 } .axis { stroke: #57606a; stroke-width: 1 }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round }
  .chance { fill: none; stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 2 4 }
  .s0 { stroke: #0a58ca; stroke-width: 3 } .s1 { stroke: #bc4c00 } .s2 { stroke: #1a7f37 }
  .s3 { stroke: #8250df } .band { fill: #0a58ca; fill-opacity: 0.18; stroke: none }
  .s2 { stroke-dasharray: 9 4 } .s3 { stroke-dasharray: 9 4 2 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .back { fill: #0d1117 } .quiet { fill: #9198a1 }
    .grid { stroke: #30363d } .axis { stroke: #9198a1 } .chance { stroke: #9198a1 }
    .s0 { stroke: #58a6ff } .s1 { stroke: #f0883e } .s2 { stroke: #56d364 } .s3 { stroke: #d2a8ff }
    .band { fill: #58a6ff; fill-opacity: 0.22 }
  }
)";

// From numbers to places on the page.
struct Page {
  double most;  // K at the right edge

  double x(int64_t k) const {
    const double share = most > 2 ? std::log2(static_cast<double>(k) / 2) / std::log2(most / 2) : 0;
    return kLeft + share * (kRight - kLeft);
  }
  static double y(double accuracy) { return kBottom - accuracy * (kBottom - kTop); }
  std::string place(int64_t k, double accuracy) const {
    return fmt::format("{:.1f},{:.1f}", x(k), y(accuracy));
  }
};

std::string text_at(double x, double y, const char* attributes, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, attributes,
                     escaped_markup(text));
}

std::string line_between(const char* style, double x1, double y1, double x2, double y2) {
  return fmt::format(
      "<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", style, x1,
      y1, x2, y2);
}

// Powers of two, thinned to what fits, and the right edge.
std::vector<int64_t> ticks_to(int64_t most) {
  constexpr double kSmallestGap = 44;
  const Page page{static_cast<double>(most)};
  std::vector<int64_t> ticks = {most};
  for (int64_t k = 2; k < most; k *= 2) {
    const bool is_clear = std::ranges::all_of(
        ticks, [&](int64_t other) { return std::abs(page.x(k) - page.x(other)) >= kSmallestGap; });
    if (is_clear) ticks.push_back(k);
  }
  return ticks;
}

std::string axes(const AccuracyChart& chart, const Page& page) {
  std::string svg;
  for (int percent = 0; percent <= 100; percent += 20) {
    const double y = Page::y(percent / 100.0);
    svg += line_between("grid", kLeft, y, kRight, y);
    svg += text_at(kLeft - 8, y + 4.5, "class=\"quiet\" text-anchor=\"end\"",
                   fmt::format("{} %", percent));
  }
  for (const int64_t k : ticks_to(chart.most_candidates)) {
    svg += line_between("axis", page.x(k), kBottom, page.x(k), kBottom + 5);
    svg += text_at(page.x(k), kBottom + 21, "class=\"quiet\" text-anchor=\"middle\"",
                   std::to_string(k));
  }
  svg += line_between("axis", kLeft, kBottom, kRight, kBottom);
  svg += text_at((kLeft + kRight) / 2, kBottom + 44, "text-anchor=\"middle\"",
                 "K, the number of candidates");
  return svg;
}

std::string path_of(const std::vector<ChartPoint>& points, const Page& page) {
  std::string path;
  for (const ChartPoint& point : points) {
    path += fmt::format("{}{}", path.empty() ? "M" : " L", page.place(point.k, point.accuracy));
  }
  // A path of one point draws nothing without a place to go.
  if (points.size() == 1) path += " h4";
  return path;
}

std::string band_of(const std::vector<ChartPoint>& points, const Page& page) {
  std::string corners;
  for (const ChartPoint& p : points) corners += page.place(p.k, p.high) + " ";
  for (auto p = points.rbegin(); p != points.rend(); ++p) corners += page.place(p->k, p->low) + " ";
  return fmt::format("<polygon class=\"band\" points=\"{}\"/>\n", corners);
}

std::string curves(const AccuracyChart& chart, const Page& page) {
  std::string svg;
  std::vector<ChartPoint> chance;
  for (const int64_t k : chart_candidates(chart.most_candidates)) {
    chance.push_back({.k = k, .accuracy = 1.0 / static_cast<double>(k)});
  }
  svg += fmt::format("<path class=\"chance\" d=\"{}\"/>\n", path_of(chance, page));
  for (const ChartCurve& curve : chart.curves) {
    if (curve.has_band) svg += band_of(curve.points, page);
  }
  for (size_t i = chart.curves.size(); i-- > 0;) {  // the first one last, on top
    svg += fmt::format("<path class=\"line s{}\" d=\"{}\"/>\n", i,
                       path_of(chart.curves[i].points, page));
  }
  return svg;
}

std::string legend(const AccuracyChart& chart) {
  constexpr double kX = kRight + 20, kDown = 24;
  double y = kTop + 8;
  std::string svg;
  const auto entry = [&](const std::string& style, const std::string& name) {
    svg += line_between(style.c_str(), kX, y, kX + 30, y);
    svg += text_at(kX + 38, y + 4.5, "", name);
    y += kDown;
  };
  for (size_t i = 0; i < chart.curves.size(); ++i) {
    entry(fmt::format("line s{}", i), chart.curves[i].name);
    if (!chart.curves[i].has_band) continue;
    svg += fmt::format("<rect class=\"band\" x=\"{}\" y=\"{}\" width=\"30\" height=\"12\"/>\n", kX,
                       y - 6);
    svg += text_at(kX + 38, y + 4.5, "class=\"quiet\"", "95 % interval");
    y += kDown;
  }
  entry("chance", "chance");
  return svg;
}

}  // namespace

std::vector<int64_t> chart_candidates(int64_t most) {
  std::vector<int64_t> numbers;
  for (int step = 0; step <= kNumSteps; ++step) {
    const double share = static_cast<double>(step) / kNumSteps;
    const auto k = std::llround(2 * std::pow(static_cast<double>(most) / 2, share));
    if (numbers.empty() || k > numbers.back()) numbers.push_back(k);
  }
  return numbers;
}

std::string to_svg(const AccuracyChart& chart) {
  if (chart.most_candidates < 2 || chart.curves.size() > kMostCurves) {
    fail("accuracy_chart", "{} candidates and {} curves; allowed are 2 or more, and up to {}",
         chart.most_candidates, chart.curves.size(), kMostCurves);
  }
  const Page page{static_cast<double>(chart.most_candidates)};
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
             "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>{2}</title>\n<style>{3}</style>\n"
             "<rect class=\"back\" width=\"{0}\" height=\"{1}\"/>\n",
             kWidth, kHeight, escaped_markup(chart.title), kStyle) +
         text_at(kLeft, 28, "class=\"title\"", chart.title) +
         text_at(kLeft, 48, "class=\"quiet\"", chart.subtitle) + axes(chart, page) +
         curves(chart, page) + legend(chart) + "</svg>\n";
}

}  // namespace cocola
