#include "metrics/kernel_distance.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "metrics/subsample.h"

namespace cocola {
namespace {

constexpr int64_t kTileValues = int64_t{1} << 22;
constexpr double kNormal95 = 1.959963984540054;

int64_t tile_rows(int64_t num_columns) {
  return std::max<int64_t>(1, kTileValues / std::max<int64_t>(1, num_columns));
}

// Calls body(first, rows) for rows of `samples`, as many as fit into a tile of num_columns.
template <typename Body>
void for_each_tile(const at::Tensor& samples, int64_t num_columns, const Body& body) {
  const int64_t step = tile_rows(num_columns);
  for (int64_t first = 0; first < samples.size(0); first += step) {
    body(first, samples.narrow(0, first, std::min(step, samples.size(0) - first)));
  }
}

at::Tensor squared_distances(const at::Tensor& x, const at::Tensor& y) {
  return at::addmm(x.square().sum(1, true) + y.square().sum(1), x, y.t(), 1.0, -2.0)
      .clamp_min_(0.0);
}

at::Tensor kernel(const at::Tensor& x, const at::Tensor& y, double gamma) {
  return squared_distances(x, y).mul_(-gamma).exp_();
}

// Sums of k between different samples of one set.
struct OwnSums {
  double all = 0.0;
  at::Tensor of_cluster;  // [G]: one of the two is in the cluster
  at::Tensor within;      // [G]: both are
};

OwnSums own_sums(const ClusteredSamples& set, double gamma) {
  const int64_t n = set.samples.size(0), num_clusters = set.num_clusters;
  OwnSums sums{0.0, at::zeros({num_clusters}, at::kDouble), at::zeros({num_clusters}, at::kDouble)};
  for_each_tile(set.samples, n, [&](int64_t first, const at::Tensor& rows) {
    at::Tensor k = kernel(rows, set.samples, gamma);
    k.diagonal(first).fill_(0.0);
    const at::Tensor cluster = set.cluster.narrow(0, first, rows.size(0));
    const at::Tensor by_cluster =
        at::zeros({rows.size(0), num_clusters}, at::kDouble).index_add_(1, set.cluster, k);
    sums.of_cluster.index_add_(0, cluster, k.sum(1));
    sums.within.index_add_(0, cluster, by_cluster.gather(1, cluster.unsqueeze(1)).squeeze(1));
  });
  sums.all = sums.of_cluster.sum().item<double>();
  return sums;
}

// Sums of k between the sets.
struct CrossSums {
  double all = 0.0;
  at::Tensor of_cluster_a, of_cluster_b;
};

CrossSums cross_sums(const ClusteredSamples& a, const ClusteredSamples& b, double gamma) {
  CrossSums sums{0.0, at::zeros({a.num_clusters}, at::kDouble),
                 at::zeros({b.num_clusters}, at::kDouble)};
  for_each_tile(a.samples, b.samples.size(0), [&](int64_t first, const at::Tensor& rows) {
    const at::Tensor k = kernel(rows, b.samples, gamma);
    sums.of_cluster_a.index_add_(0, a.cluster.narrow(0, first, rows.size(0)), k.sum(1));
    sums.of_cluster_b.index_add_(0, b.cluster, k.sum(0));
  });
  sums.all = sums.of_cluster_a.sum().item<double>();
  return sums;
}

// Mean of k over different samples.
double own_mean(const OwnSums& sums, int64_t num_samples) {
  return sums.all / (static_cast<double>(num_samples) * static_cast<double>(num_samples - 1));
}

// Jackknife variance of own mean - 2 cross mean when clusters of one set are left out in turn;
// empty where that cannot be done.
std::optional<double> jackknife(const ClusteredSamples& set, const OwnSums& own,
                                const at::Tensor& cross_of_cluster, double cross_all,
                                int64_t num_others) {
  const at::Tensor members = at::bincount(set.cluster, {}, set.num_clusters).to(at::kDouble);
  const at::Tensor used = members > 0;
  const auto num_used = static_cast<double>(used.sum().item<int64_t>());
  const at::Tensor left = static_cast<double>(set.samples.size(0)) - members.masked_select(used);
  if (num_used < 2 || left.min().item<double>() < 2) return std::nullopt;
  const at::Tensor own_left = (own.all - 2.0 * own.of_cluster + own.within).masked_select(used);
  const at::Tensor cross_left = (cross_all - cross_of_cluster).masked_select(used);
  const at::Tensor values = own_left / (left * (left - 1.0)) -
                            2.0 * cross_left / (left * static_cast<double>(num_others));
  return (num_used - 1.0) / num_used * (values - values.mean()).square().sum().item<double>();
}

}  // namespace

KernelDistance kernel_distance(const ClusteredSamples& a, const ClusteredSamples& b, double sigma) {
  const int64_t n = a.samples.size(0), m = b.samples.size(0);
  if (n < 2 || m < 2) {
    fail("kernel_distance", "{} and {} samples; both sets need 2 or more", n, m);
  }
  if (a.samples.size(1) != b.samples.size(1)) {
    fail("kernel_distance", "samples of {} values cannot be compared with samples of {}",
         a.samples.size(1), b.samples.size(1));
  }
  const double gamma = 1.0 / (2.0 * sigma * sigma + 1e-8);
  // Distances are differences of squares, which are small near the origin.
  const at::Tensor centre = a.samples.mean(0);
  const ClusteredSamples near_a{a.samples - centre, a.cluster, a.num_clusters};
  const ClusteredSamples near_b{b.samples - centre, b.cluster, b.num_clusters};
  const OwnSums own_a = own_sums(near_a, gamma), own_b = own_sums(near_b, gamma);
  const CrossSums cross = cross_sums(near_a, near_b, gamma);

  KernelDistance distance;
  distance.value = 100.0 * (own_mean(own_a, n) + own_mean(own_b, m) -
                            2.0 * cross.all / (static_cast<double>(n) * static_cast<double>(m)));
  const auto of_a = jackknife(near_a, own_a, cross.of_cluster_a, cross.all, m);
  const auto of_b = jackknife(near_b, own_b, cross.of_cluster_b, cross.all, n);
  if (of_a && of_b) {
    const double half_width = 100.0 * kNormal95 * std::sqrt(*of_a + *of_b);
    distance.interval = {distance.value - half_width, distance.value + half_width};
  }
  return distance;
}

double median_distance(const at::Tensor& samples, uint64_t seed) {
  if (samples.size(0) < 2) {
    fail("kernel_distance", "{} samples have no distances; 2 or more are needed", samples.size(0));
  }
  const at::Tensor drawn =
      samples.size(0) <= kMedianSamples
          ? samples
          : draw_rows(samples, kMedianSamples, seed, SubsampleUse::median_distance);
  const at::Tensor centred = drawn - drawn.mean(0);
  std::vector<at::Tensor> distances;
  for_each_tile(centred, centred.size(0), [&](int64_t first, const at::Tensor& rows) {
    const at::Tensor squares = squared_distances(rows, centred);
    const at::Tensor upper = at::ones_like(squares, at::kBool).triu(first + 1);
    distances.push_back(squares.masked_select(upper));
  });
  return std::sqrt(at::cat(distances).median().item<double>());
}

}  // namespace cocola
