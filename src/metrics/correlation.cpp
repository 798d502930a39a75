#include "metrics/correlation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "base/error.h"

namespace cocola {
namespace {

bool is_constant(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; });
}

// False where a correlation of x and y is undefined.
bool is_defined(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) {
    fail("correlation", "{} values beside {}; expected as many", x.size(), y.size());
  }
  for (const std::span<const double> column : {x, y}) {
    for (const double v : column) {
      if (!std::isfinite(v)) fail("correlation", "a value is {}, not finite", v);
    }
  }
  return x.size() >= kFewestPairs && !is_constant(x) && !is_constant(y);
}

// Mean 0 and sum of squares 1. Scaled first, so that squares neither overflow nor vanish.
std::vector<double> standardised(std::span<const double> values) {
  const auto magnitude = [](double a, double b) { return std::fabs(a) < std::fabs(b); };
  const double largest = std::fabs(*std::max_element(values.begin(), values.end(), magnitude));
  std::vector<double> result;
  for (const double v : values) result.push_back(v / largest);
  const double mean =
      std::accumulate(result.begin(), result.end(), 0.0) / static_cast<double>(result.size());
  for (double& v : result) v -= mean;
  const double widest = std::fabs(*std::max_element(result.begin(), result.end(), magnitude));
  for (double& v : result) v /= widest;
  const double length =
      std::sqrt(std::inner_product(result.begin(), result.end(), result.begin(), 0.0));
  for (double& v : result) v /= length;
  return result;
}

// From 1; equal values share the mean of their ranks.
std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t end = first;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (size_t i = first; i < end; ++i) {
      ranks[order[i]] = 0.5 * static_cast<double>(first + 1 + end);
    }
    first = end;
  }
  return ranks;
}

// Pairs of equal neighbours' runs in a sorted range: a run of t holds t (t - 1) / 2.
template <typename Sorted>
int64_t num_tied_pairs(const Sorted& sorted) {
  int64_t pairs = 0, run = 0;
  for (size_t i = 1; i < sorted.size(); ++i) {
    run = sorted[i] == sorted[i - 1] ? run + 1 : 0;
    pairs += run;
  }
  return pairs;
}

// Sorts; returns how many pairs stood in the wrong order.
int64_t sort_counting_inversions(std::span<double> values, std::span<double> scratch) {
  if (values.size() < 2) return 0;
  const size_t half = values.size() / 2;
  int64_t inversions = sort_counting_inversions(values.first(half), scratch.first(half)) +
                       sort_counting_inversions(values.subspan(half), scratch.subspan(half));
  std::copy(values.begin(), values.end(), scratch.begin());
  size_t left = 0, right = half;
  for (double& v : values) {
    if (right == scratch.size() || (left < half && scratch[left] <= scratch[right])) {
      v = scratch[left++];
    } else {
      inversions += static_cast<int64_t>(half - left);
      v = scratch[right++];
    }
  }
  return inversions;
}

double clamped(double correlation) { return std::clamp(correlation, -1.0, 1.0); }

}  // namespace

std::optional<double> pearson_correlation(std::span<const double> x, std::span<const double> y) {
  if (!is_defined(x, y)) return std::nullopt;
  const std::vector<double> a = standardised(x), b = standardised(y);
  return clamped(std::inner_product(a.begin(), a.end(), b.begin(), 0.0));
}

std::optional<double> spearman_correlation(std::span<const double> x, std::span<const double> y) {
  if (!is_defined(x, y)) return std::nullopt;
  return pearson_correlation(ranks_of(x), ranks_of(y));
}

std::optional<double> kendall_correlation(std::span<const double> x, std::span<const double> y) {
  if (!is_defined(x, y)) return std::nullopt;
  std::vector<std::pair<double, double>> pairs;
  for (size_t i = 0; i < x.size(); ++i) pairs.emplace_back(x[i], y[i]);
  std::sort(pairs.begin(), pairs.end());
  std::vector<double> xs, ys;
  for (const auto& [a, b] : pairs) {
    xs.push_back(a);
    ys.push_back(b);
  }
  std::vector<double> scratch(ys.size());
  // Ties of x are sorted by y, so only pairs that x tells apart can be discordant.
  const int64_t discordant = sort_counting_inversions(ys, scratch);
  const auto n = static_cast<int64_t>(xs.size());
  const int64_t all = n * (n - 1) / 2;
  const int64_t told_by_x = all - num_tied_pairs(xs), told_by_y = all - num_tied_pairs(ys);
  const int64_t told_by_both = told_by_x + told_by_y - all + num_tied_pairs(pairs);
  return clamped(
      static_cast<double>(told_by_both - 2 * discordant) /
      (std::sqrt(static_cast<double>(told_by_x)) * std::sqrt(static_cast<double>(told_by_y))));
}

}  // namespace cocola
