#include "eval/accuracy_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/svg.h"

namespace cocola {
namespace {

constexpr double kWidth = 760, kHeight = 460;
constexpr double kLeft = 64, kRight = 596, kTop = 66, kBottom = 402;
constexpr int kNumSteps = 40;

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
    svg += svg_line("grid", kLeft, y, kRight, y);
    svg += svg_text(kLeft - 8, y + 4.5, "class=\"quiet\" text-anchor=\"end\"",
                    fmt::format("{} %", percent));
  }
  for (const int64_t k : ticks_to(chart.most_candidates)) {
    svg += svg_line("axis", page.x(k), kBottom, page.x(k), kBottom + 5);
    svg += svg_text(page.x(k), kBottom + 21, "class=\"quiet\" text-anchor=\"middle\"",
                    std::to_string(k));
  }
  svg += svg_line("axis", kLeft, kBottom, kRight, kBottom);
  svg += svg_text((kLeft + kRight) / 2, kBottom + 44, "text-anchor=\"middle\"",
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
    svg += svg_line(style.c_str(), kX, y, kX + 30, y);
    svg += svg_text(kX + 38, y + 4.5, "", name);
    y += kDown;
  };
  for (size_t i = 0; i < chart.curves.size(); ++i) {
    entry(fmt::format("line s{}", i), chart.curves[i].name);
    if (!chart.curves[i].has_band) continue;
    svg += fmt::format("<rect class=\"band\" x=\"{}\" y=\"{}\" width=\"30\" height=\"12\"/>\n", kX,
                       y - 6);
    svg += svg_text(kX + 38, y + 4.5, "class=\"quiet\"", "95 % interval");
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
  return svg_picture(kWidth, kHeight, chart.title,
                     svg_text(kLeft, 28, "class=\"title\"", chart.title) +
                         svg_text(kLeft, 48, "class=\"quiet\"", chart.subtitle) +
                         axes(chart, page) + curves(chart, page) + legend(chart));
}

}  // namespace cocola
