#include "features/fourier.h"

#include <cmath>
#include <utility>

namespace cocola {
namespace {

// Appends e^(-2 pi i * turn / turns).
void append_root(std::vector<double>& to, int64_t turn, int64_t turns) {
  constexpr double kTwoPi = 6.283185307179586476925;
  const double angle = kTwoPi * static_cast<double>(turn) / static_cast<double>(turns);
  to.push_back(std::cos(angle));
  to.push_back(-std::sin(angle));
}

// Four where it divides n, else the smallest prime factor.
int64_t next_radix(int64_t n) {
  if (n % 4 == 0) return 4;
  int64_t radix = 2;
  while (n % radix != 0) ++radix;
  return radix;
}

}  // namespace

// Even and odd samples are the real and imaginary parts of half as many complex points.
RealFourier::RealFourier(int64_t num_points, const SimdKernels& kernels)
    : num_points_(num_points), kernels_(kernels) {
  int64_t stride = 1;
  for (int64_t left = num_points / 2; left > 1;) {
    const int64_t radix = next_radix(left), num_groups = left / radix;
    Pass pass{radix, num_groups, stride, {}, {}};
    for (int64_t group = 0; group < num_groups; ++group) {
      for (int64_t k = 0; k < radix; ++k) append_root(pass.twiddles, group * k, left);
    }
    for (int64_t k = 0; k < radix; ++k) append_root(pass.roots, k, radix);
    passes_.push_back(std::move(pass));
    stride *= radix;
    left = num_groups;
  }
  for (int64_t k = 0; k <= num_points / 2; ++k) append_root(unpacking_, k, num_points);
  points_.resize(static_cast<size_t>(num_points * num_lanes()));
  next_.resize(points_.size());
}

void RealFourier::magnitude(const double* samples, float* bins) {
  const double* in = samples;
  for (const Pass& pass : passes_) {
    kernels_.fourier_pass(
        in, next_.data(),
        {pass.radix, pass.num_groups, pass.stride, pass.twiddles.data(), pass.roots.data()});
    points_.swap(next_);
    in = points_.data();
  }
  kernels_.real_magnitude(in, unpacking_.data(), num_points_ / 2, bins);
}

}  // namespace cocola
