#include <immintrin.h>

#include "features/simd_kernels_impl.h"

namespace cocola {
namespace {

struct Lanes {
  using Vector = __m128;
  static constexpr int kCount = 4;
  static Vector load(const float* from) { return _mm_loadu_ps(from); }
  static void store(float* to, Vector v) { _mm_storeu_ps(to, v); }
  static Vector min(Vector a, Vector b) { return _mm_min_ps(a, b); }
  static Vector max(Vector a, Vector b) { return _mm_max_ps(a, b); }
  static Vector infinity() { return _mm_set1_ps(__builtin_inff()); }
};

struct Doubles {
  using Vector = __m128d;
  static constexpr int kCount = 2;
  static Vector load(const double* from) { return _mm_loadu_pd(from); }
  static void store(double* to, Vector v) { _mm_storeu_pd(to, v); }
  static void store_floats(float* to, Vector v) {
    _mm_storel_pi(reinterpret_cast<__m64*>(to), _mm_cvtpd_ps(v));
  }
  static Vector sqrt(Vector a) { return _mm_sqrt_pd(a); }
};

}  // namespace

SimdKernels sse4_kernels() { return kernels_of<Lanes, Doubles>(); }

}  // namespace cocola
