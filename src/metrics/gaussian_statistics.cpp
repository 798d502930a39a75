#include "metrics/gaussian_statistics.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/matmul.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace cocola {
namespace {

constexpr int64_t kBlockRows = 8192;

// At most d rows with the same product root^T root. The triangle of an orthogonal decomposition
// has it without the product being formed.
at::Tensor compact(const at::Tensor& rows) {
  if (rows.size(0) <= rows.size(1)) return rows;
  return std::get<1>(at::linalg_qr(rows, "r"));
}

void require_two(int64_t num_samples) {
  if (num_samples < 2) {
    fail("statistics", "{} samples have no covariance; 2 or more are needed", num_samples);
  }
}

}  // namespace

void GaussianStatistics::add(const at::Tensor& samples) {
  if (samples.dim() != 2) {
    fail("statistics", "samples have {} dimensions; expected are rows of a matrix", samples.dim());
  }
  for (int64_t first = 0; first < samples.size(0); first += kBlockRows) {
    const int64_t count = std::min(kBlockRows, samples.size(0) - first);
    const at::Tensor block = samples.narrow(0, first, count).to(at::kDouble);
    const at::Tensor block_mean = block.mean(0);
    merge({count, block_mean, compact(block - block_mean)});
  }
}

// Chan's rule: the scatter of a union is the two scatters and one rank-1 term of the means' gap.
void GaussianStatistics::merge(const GaussianStatistics& other) {
  if (other.num_samples == 0) return;
  if (num_samples == 0) {
    *this = other;
    return;
  }
  if (other.dimensions() != dimensions()) {
    fail("statistics", "samples of {} values cannot join samples of {}", other.dimensions(),
         dimensions());
  }
  const int64_t total = num_samples + other.num_samples;
  const double share = static_cast<double>(other.num_samples) / static_cast<double>(total);
  const at::Tensor gap = other.mean - mean;
  const at::Tensor bridge = gap * std::sqrt(share * static_cast<double>(num_samples));
  mean = mean + gap * share;
  root = compact(at::cat({root, other.root, bridge.unsqueeze(0)}));
  num_samples = total;
}

at::Tensor GaussianStatistics::covariance() const {
  require_two(num_samples);
  return at::matmul(root.t(), root) / static_cast<double>(num_samples - 1);
}

int64_t GaussianStatistics::rank() const {
  require_two(num_samples);
  const at::Tensor spreads = at::linalg_svdvals(root);
  // Rounding of the samples themselves counts too: it grows with their distance from the origin.
  const double size =
      std::max(spreads.max().item<double>(),
               mean.norm().item<double>() * std::sqrt(static_cast<double>(num_samples)));
  const double rounding = static_cast<double>(std::max(num_samples, dimensions())) *
                          std::numeric_limits<double>::epsilon() * size;
  const int64_t found = (spreads > rounding).sum().item<int64_t>();
  return std::min(found, num_samples - 1);
}

GaussianStatistics gaussian_statistics(const at::Tensor& samples) {
  GaussianStatistics statistics;
  statistics.add(samples);
  return statistics;
}

}  // namespace cocola
