// How two columns of numbers go together.
#pragma once
#include <optional>
#include <span>

namespace cocola {

// Pairs below which nothing is said: two points always lie on a line.
inline constexpr size_t kFewestPairs = 3;

// Each is in [-1, 1], and empty where it is undefined: below kFewestPairs pairs, or where all of x
// or all of y are equal.
//
// Shapes: x, y [n].
// Throws: Error for unequal lengths and values that are not finite.

// The linear correlation.
std::optional<double> pearson_correlation(std::span<const double> x, std::span<const double> y);

// Pearson's of the ranks; equal values share the mean of their ranks.
std::optional<double> spearman_correlation(std::span<const double> x, std::span<const double> y);

// Tau-b: concordant less discordant pairs of pairs, over the geometric mean of the numbers of those
// that x and that y do not tie. Takes O(n log n) steps.
// See: Knight, A computer method for calculating Kendall's tau with ungrouped data (1966).
std::optional<double> kendall_correlation(std::span<const double> x, std::span<const double> y);

}  // namespace cocola
