// Magnitudes of real Fourier transforms, several side by side in SIMD lanes. In double precision,
// as the reference: 80 dB below the maximum the rounding of single precision shows in the features.
// LibTorch's transform is not used: it allocates at every call, and takes threads of its own unless
// the count of the whole process is changed.
#pragma once
#include <cstdint>
#include <vector>

#include "features/simd_kernels.h"

namespace cocola {

// Transforms of one size. Keeps its scratch memory: no allocation after construction. Not
// thread-safe: one per thread.
class RealFourier {
 public:
  // Requires: num_points even, >= 2. Sizes whose only prime factors are 2 are the fastest.
  RealFourier(int64_t num_points, const SimdKernels& kernels);

  int64_t num_lanes() const { return kernels_.num_lanes / 2; }
  int64_t num_bins() const { return num_points_ / 2 + 1; }
  // |sum over n of x[n] e^(-2 pi i k n / num_points)| of each lane.
  //
  // Shapes: samples [num_points, num_lanes], bins [num_bins, num_lanes].
  // Law:    the same bits on every SIMD level, whatever the other lanes hold.
  void magnitude(const double* samples, float* bins);

 private:
  struct Pass {
    int64_t radix, num_groups, stride;
    std::vector<double> twiddles;  // [num_groups, radix] complex
    std::vector<double> roots;     // [radix] complex
  };

  int64_t num_points_;
  SimdKernels kernels_;
  std::vector<Pass> passes_;
  std::vector<double> unpacking_;      // [num_bins] complex
  std::vector<double> points_, next_;  // [num_points / 2] complex, in lanes
};

}  // namespace cocola
