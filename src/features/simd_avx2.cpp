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

struct Doubles {
  using Vector = __m256d;
  static constexpr int kCount = 4;
  static Vector load(const double* from) { return _mm256_loadu_pd(from); }
  static void store(double* to, Vector v) { _mm256_storeu_pd(to, v); }
  static void store_floats(float* to, Vector v) { _mm_storeu_ps(to, _mm256_cvtpd_ps(v)); }
  static Vector sqrt(Vector a) { return _mm256_sqrt_pd(a); }
};

}  // namespace

SimdKernels avx2_kernels() { return kernels_of<Lanes, Doubles>(); }

}  // namespace cocola
