#include <immintrin.h>

#include "features/simd_kernels_impl.h"

namespace cocola {
namespace {

struct Lanes {
  using Vector = __m256;
  static constexpr int kCount = 8;
  static Vector load(const float* from) { return _mm256_loadu_ps(from); }
  static void store(float* to, Vector v) { _mm256_storeu_ps(to, v); }
  static Vector min(Vector a, Vector b) { return _mm256_min_ps(a, b); }
  static Vector max(Vector a, Vector b) { return _mm256_max_ps(a, b); }
  static Vector infinity() { return _mm256_set1_ps(__builtin_inff()); }
};

}  // namespace

SimdKernels avx2_kernels() { return kernels_of<Lanes>(); }

}  // namespace cocola
