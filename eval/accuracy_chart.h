// Accuracy against K as a picture: one SVG file that needs nothing else.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace cocola {

struct ChartPoint {
  int64_t k = 0;
  double accuracy = 0.0;         // in [0, 1]
  double low = 0.0, high = 0.0;  // of a band; used where the curve has one
};

struct ChartCurve {
  std::string name;                // UTF-8
  std::vector<ChartPoint> points;  // K ascends
  bool has_band = false;
};

struct AccuracyChart {
  std::string title, subtitle;     // UTF-8
  int64_t most_candidates = 2;     // K at the right edge; at least 2
  std::vector<ChartCurve> curves;  // at most kMostCurves; the first is drawn strongest
};
inline constexpr size_t kMostCurves = 4;

// About 40 numbers from 2 to `most`, evenly spread over the logarithm, both ends included.
std::vector<int64_t> chart_candidates(int64_t most);

// K on a logarithmic axis, accuracy in percent, chance as a dashed line, and a legend. Colours
// follow the reader's light or dark scheme.
std::string to_svg(const AccuracyChart& chart);

}  // namespace cocola
