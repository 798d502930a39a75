#include <immintrin.h>

#include "features/simd_kernels_impl.h"

namespace cocola {
namespace {

struct Lanes {
  using Vector = __m512;
  static constexpr int kCount = 16;
  static Vector load(const float* from) { return _mm512_loadu_ps(from); }
  static void store(float* to, Vector v) { _mm512_storeu_ps(to, v); }
  static Vector min(Vector a, Vector b) { return _mm512_min_ps(a, b); }
  static Vector max(Vector a, Vector b) { return _mm512_max_ps(a, b); }
  static Vector infinity() { return _mm512_set1_ps(__builtin_inff()); }
};

struct Doubles {
  using Vector = __m512d;
  static constexpr int kCount = 8;
  static Vector load(const double* from) { return _mm512_loadu_pd(from); }
  static void store(double* to, Vector v) { _mm512_storeu_pd(to, v); }
  static void store_floats(float* to, Vector v) { _mm256_storeu_ps(to, _mm512_cvtpd_ps(v)); }
  static Vector sqrt(Vector a) { return _mm512_sqrt_pd(a); }
};

}  // namespace

SimdKernels avx512_kernels() { return kernels_of<Lanes, Doubles>(); }

}  // namespace cocola
