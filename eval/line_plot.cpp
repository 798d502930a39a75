#include "eval/line_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/svg.h"

namespace cocola {
namespace {

constexpr double kWidth = 380, kHeight = 270;
constexpr double kLeft = 58, kRight = 364, kTop = 56, kBottom = 222;

struct Range {
  double low = 0.0, high = 0.0;

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // All of one value: that value in the middle.
  void widen() {
    if (low < high) return;
    const double margin = low == 0.0 ? 1.0 : 0.5 * std::fabs(low);
    low -= margin;
    high += margin;
  }
  double share(double value) const { return (value - low) / (high - low); }
};

struct Page {
  Range x, y;

  explicit Page(const LinePlot& plot) {
    const PlotPoint& first = plot.curves.front().points.front();
    x = {first.x, first.x};
    y = {first.y, first.y};
    for (const PlotCurve& curve : plot.curves) {
      for (const PlotPoint& point : curve.points) {
        x.include(point.x);
        y.include(point.y);
      }
    }
    if (plot.shows_zero) y.include(0.0);
    x.widen();
    y.widen();
  }
  double across(double value) const { return kLeft + x.share(value) * (kRight - kLeft); }
  double down(double value) const { return kBottom - y.share(value) * (kBottom - kTop); }
};

std::string axes(const LinePlot& plot, const Page& page) {
  std::string svg;
  for (const double tick : round_ticks(page.y.low, page.y.high, 4)) {
    svg += svg_line("grid", kLeft, page.down(tick), kRight, page.down(tick));
    svg += svg_text(kLeft - 6, page.down(tick) + 4.5, "class=\"quiet\" text-anchor=\"end\"",
                    fmt::format("{:g}", tick));
  }
  for (const double tick : round_ticks(page.x.low, page.x.high, 5)) {
    svg += svg_line("axis", page.across(tick), kBottom, page.across(tick), kBottom + 5);
    svg += svg_text(page.across(tick), kBottom + 19, "class=\"quiet\" text-anchor=\"middle\"",
                    fmt::format("{:g}", tick));
  }
  svg += svg_line("axis", kLeft, kBottom, kRight, kBottom);
  if (plot.shows_zero) svg += svg_line("chance", kLeft, page.down(0), kRight, page.down(0));
  return svg + svg_text((kLeft + kRight) / 2, kBottom + 38, "text-anchor=\"middle\"", plot.x_label);
}

std::string curve_path(const PlotCurve& curve, size_t style, const Page& page) {
  std::string path;
  for (const PlotPoint& point : curve.points) {
    path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : " L", page.across(point.x),
                        page.down(point.y));
  }
  return fmt::format("<path class=\"line s{}\" d=\"{}\"/>\n", style, path);
}

// Names beside each other above the curves.
std::string legend(const LinePlot& plot) {
  std::string svg;
  const double step = (kRight - kLeft) / static_cast<double>(plot.curves.size());
  for (size_t i = 0; i < plot.curves.size(); ++i) {
    const double x = kLeft + static_cast<double>(i) * step;
    svg += svg_line(fmt::format("line s{}", i).c_str(), x, 40, x + 20, 40);
    svg += svg_text(x + 25, 44.5, "", plot.curves[i].name);
  }
  return svg;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int count) {
  const double wanted = (high - low) / count;
  if (!(wanted > 0.0)) return {low};
  const double power = std::pow(10.0, std::floor(std::log10(wanted)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    if (factor * power > wanted * 1.0001) break;
    step = factor * power;
  }
  std::vector<double> ticks;
  const double slack = 1e-9 * step;
  for (double k = std::ceil((low - slack) / step); k * step <= high + slack; k += 1.0) {
    ticks.push_back(k == 0.0 ? 0.0 : k * step);
  }
  return ticks;
}

std::string to_svg(const LinePlot& plot) {
  const bool has_points = std::ranges::all_of(
      plot.curves, [](const PlotCurve& curve) { return !curve.points.empty(); });
  if (plot.curves.empty() || plot.curves.size() > kMostPlotCurves || !has_points) {
    fail("line_plot", "{} curves; allowed are 1 to {}, each with points", plot.curves.size(),
         kMostPlotCurves);
  }
  const Page page(plot);
  std::string content = svg_text(16, 22, "class=\"title\"", plot.title) + axes(plot, page);
  for (size_t i = plot.curves.size(); i-- > 0;) {
    content += curve_path(plot.curves[i], i, page);
  }
  return svg_picture(kWidth, kHeight, plot.title, content + legend(plot));
}

}  // namespace cocola
