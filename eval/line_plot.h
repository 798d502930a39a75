// Curves over a number as a picture, small enough for a telephone.
#pragma once
#include <string>
#include <vector>

namespace cocola {

struct PlotPoint {
  double x = 0.0, y = 0.0;
};

struct PlotCurve {
  std::string name;               // UTF-8
  std::vector<PlotPoint> points;  // x ascends; at least one; finite
};

struct LinePlot {
  std::string title, x_label;     // UTF-8
  std::vector<PlotCurve> curves;  // 1 to kMostPlotCurves; the first is drawn strongest
  bool shows_zero = false;        // y = 0 is on the page, as a dotted line
};
inline constexpr size_t kMostPlotCurves = 4;

// Throws: Error for another number of curves, or one without points.
std::string to_svg(const LinePlot& plot);

// Round numbers in [low, high], about `count` of them and at least two where low < high.
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace cocola
