#include "objective/accuracy.h"

#include <cmath>
#include <numeric>

#include "base/error.h"

namespace cocola {
namespace {

template <typename Real>
Standing compare_row(const Real* row, int64_t size, int64_t anchor) {
  const Real positive = row[anchor];
  int64_t lower = 0, tied = 0, finite = 0;
  for (int64_t j = 0; j < size; ++j) {
    lower += row[j] < positive;
    tied += row[j] == positive;
    finite += std::isfinite(row[j]);
  }
  if (finite != size) {
    fail("accuracy", "row {} of the similarities holds {} values that are not finite", anchor,
         size - finite);
  }
  return {lower, tied - 1};  // the positive ties with itself
}

template <typename Real>
std::vector<Standing> compare_rows(const at::Tensor& similarity) {
  const int64_t n = similarity.size(0);
  const Real* const data = similarity.const_data_ptr<Real>();
  std::vector<Standing> standings;
  for (int64_t i = 0; i < n; ++i) standings.push_back(compare_row(data + i * n, n, i));
  return standings;
}

// Entry r: the chance that num_drawn of num_negatives, drawn without replacement, all lie among r
// given ones: C(r, num_drawn) / C(num_negatives, num_drawn), from the top by running products.
std::vector<double> chance_all_among(int64_t num_negatives, int64_t num_drawn) {
  std::vector<double> chance(static_cast<size_t>(num_negatives) + 1);
  double current = 1.0;
  for (int64_t r = num_negatives; r >= 0; --r) {
    chance[static_cast<size_t>(r)] = r < num_drawn ? 0.0 : current;
    if (r > 0) current *= static_cast<double>(r - num_drawn) / static_cast<double>(r);
  }
  return chance;
}

}  // namespace

std::vector<Standing> standings_of(const at::Tensor& similarity) {
  if (!similarity.defined() || similarity.dim() != 2 || similarity.size(0) != similarity.size(1)) {
    fail("accuracy", "similarities are {}; expected a square matrix",
         similarity.defined() ? c10::str(similarity.sizes()) : "undefined");
  }
  const at::Tensor host = similarity.detach().cpu().contiguous();
  if (host.scalar_type() == at::kFloat) return compare_rows<float>(host);
  if (host.scalar_type() == at::kDouble) return compare_rows<double>(host);
  fail("accuracy", "similarities are of type {}; expected float32 or float64",
       c10::toString(host.scalar_type()));
}

std::vector<double> expected_accuracy(std::span<const Standing> standings, int64_t k) {
  const auto n = static_cast<int64_t>(standings.size());
  if (k < 2 || k > n) fail("accuracy", "k is {}; allowed range [2, n = {}]", k, n);
  // Sharing a win among ties equals breaking them at random: the positive then beats the lower
  // negatives and 0, 1, ... or all of the tied ones, each with equal chance.
  const std::vector<double> chance = chance_all_among(n - 1, k - 1);
  std::vector<double> sum_below(chance.size() + 1, 0.0);
  std::partial_sum(chance.begin(), chance.end(), sum_below.begin() + 1);
  std::vector<double> expected;
  expected.reserve(standings.size());
  for (const auto& [num_lower, num_tied] : standings) {
    const auto lower = static_cast<size_t>(num_lower), tied = static_cast<size_t>(num_tied);
    expected.push_back(tied == 0 ? chance[lower]
                                 : (sum_below[lower + tied + 1] - sum_below[lower]) /
                                       static_cast<double>(tied + 1));
  }
  return expected;
}

std::vector<double> expected_accuracy_per_anchor(const at::Tensor& similarity, int64_t k) {
  return expected_accuracy(standings_of(similarity), k);
}

}  // namespace cocola
