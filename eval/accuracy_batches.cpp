#include "eval/accuracy_batches.h"

#include <cmath>
#include <numeric>
#include <span>

#include "batches/sampler.h"

namespace cocola {
namespace {

// Share of the win of the batch's anchor at `place`.
double win_of(const float* row, std::span<const int64_t> batch, size_t place) {
  const float positive = row[batch[place]];
  int64_t num_tied = 0;  // with itself too
  for (const int64_t candidate : batch) {
    if (row[candidate] > positive) return 0.0;
    num_tied += row[candidate] == positive;
  }
  return 1.0 / static_cast<double>(num_tied);
}

}  // namespace

std::vector<double> accuracy_of_passes(const at::Tensor& similarity, int64_t k, int64_t num_passes,
                                       uint64_t seed) {
  const int64_t n = similarity.size(0), num_used = n / k * k;
  const at::Tensor rows = similarity.contiguous();
  const float* const values = rows.const_data_ptr<float>();
  std::vector<double> passes;
  std::vector<int64_t> order(static_cast<size_t>(n));
  for (int64_t pass = 0; pass < num_passes; ++pass) {
    for (int64_t i = 0; i < n; ++i) {
      order[static_cast<size_t>(i)] = permuted_index(i, n, seed, pass);
    }
    double won = 0.0;
    for (int64_t i = 0; i < num_used; ++i) {
      const std::span<const int64_t> batch(&order[static_cast<size_t>(i / k * k)],
                                           static_cast<size_t>(k));
      won += win_of(values + order[static_cast<size_t>(i)] * n, batch, static_cast<size_t>(i % k));
    }
    passes.push_back(won / static_cast<double>(num_used));
  }
  return passes;
}

Spread spread_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Spread spread{.mean = std::accumulate(values.begin(), values.end(), 0.0) / n};
  if (values.size() < 2) return spread;
  double squares = 0.0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.standard_deviation = std::sqrt(squares / (n - 1.0));
  return spread;
}

}  // namespace cocola
