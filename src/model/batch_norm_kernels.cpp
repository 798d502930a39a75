#include "model/batch_norm_kernels.h"

#include <algorithm>
#include <type_traits>

namespace cocola {
namespace {

// What e^v needs in either precision: v = n ln 2 + r with |r| <= ln 2 / 2, where ln 2 is the sum of
// two numbers, the higher of them so short that its product with n is exact; e^r by its Taylor
// series.
struct ExponentialOfFloat {
  using Bits = Words;
  using Mask = SignedWords;
  static constexpr int kDegree = 7, kMantissaBits = 23;
  static constexpr uint32_t kOne = 0x3F800000u;
  static constexpr float kLog2E = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  // Adding this leaves a whole number in the lowest bits of the mantissa.
  static constexpr float kRound = 0x1.8p23F;
  static constexpr float kLowest = -87.0F, kHighest = 89.0F;  // e^89 becomes infinite
};
struct ExponentialOfDouble {
  using Bits [[gnu::vector_size(kLanes * sizeof(uint64_t))]] = uint64_t;
  using Mask [[gnu::vector_size(kLanes * sizeof(int64_t))]] = int64_t;
  static constexpr int kDegree = 13, kMantissaBits = 52;
  static constexpr uint64_t kOne = 0x3FF0000000000000u;
  static constexpr double kLog2E = 1.4426950408889634074, kLn2High = 0.693145751953125,
                          kLn2Low = 1.42860682030941723212e-6;
  static constexpr double kRound = 0x1.8p52;
  static constexpr double kLowest = -708.0, kHighest = 710.0;
};
template <typename Sum>
using Exponential =
    std::conditional_t<std::is_same_v<Sum, float>, ExponentialOfFloat, ExponentialOfDouble>;

constexpr double inverse_factorial(int n) { return n < 2 ? 1.0 : inverse_factorial(n - 1) / n; }

// Values below `least` become `least`; what is not a number may become so, too. By the sign of the
// difference: comparisons of vectors wider than the machine's become scalar code.
template <typename Sum>
[[gnu::always_inline]] inline void raise_to(typename Lanes<Sum>::Vector& values, Sum least) {
  using Mask = typename Exponential<Sum>::Mask;
  const typename Lanes<Sum>::Vector floor = typename Lanes<Sum>::Vector{} + least;
  const typename Lanes<Sum>::Vector distance = values - floor;
  Mask below, kept, raised;
  std::memcpy(&below, &distance, sizeof(below));
  std::memcpy(&kept, &values, sizeof(kept));
  std::memcpy(&raised, &floor, sizeof(raised));
  below >>= static_cast<int>(8 * sizeof(Sum) - 1);
  kept = (kept & ~below) | (raised & below);
  std::memcpy(&values, &kept, sizeof(values));
}

// to = 1 + e^-y
template <typename Sum>
[[gnu::always_inline]] inline void one_plus_exp_minus(typename Lanes<Sum>::Vector& to,
                                                      const typename Lanes<Sum>::Vector& y) {
  using E = Exponential<Sum>;
  using Vector = typename Lanes<Sum>::Vector;
  Vector v = y;
  raise_to<Sum>(v, -E::kHighest);
  v = -v;
  raise_to<Sum>(v, E::kLowest);
  const Vector shifted = v * E::kLog2E + E::kRound;
  const Vector n = shifted - E::kRound;
  const Vector r = (v - n * E::kLn2High) - n * E::kLn2Low;
  Vector series = Vector{} + static_cast<Sum>(inverse_factorial(E::kDegree));
#pragma GCC unroll 16
  for (int i = E::kDegree - 1; i >= 0; --i) {
    series = series * r + static_cast<Sum>(inverse_factorial(i));
  }
  typename E::Bits bits;
  std::memcpy(&bits, &shifted, sizeof(bits));
  bits = (bits << E::kMantissaBits) + E::kOne;
  Vector power;
  std::memcpy(&power, &bits, sizeof(power));
  to = series * power + Sum{1};
}

// dy = dz * silu'(y), in place.
template <typename Sum>
[[gnu::always_inline]] inline void through_silu(typename Lanes<Sum>::Vector& grad,
                                                const typename Lanes<Sum>::Vector& y) {
  typename Lanes<Sum>::Vector inverse;
  one_plus_exp_minus<Sum>(inverse, y);
  const typename Lanes<Sum>::Vector sigmoid = Sum{1} / inverse;
  grad *= sigmoid * (Sum{1} + y * (Sum{1} - sigmoid));
}

// Merges a block of lines into the moments of the `before` lines ahead of it.
template <int kLines, typename Value, typename Sum>
[[gnu::always_inline]] inline void add_moments(int64_t width, const Value* x, double before,
                                               double* moments) {
  using Vector = typename Lanes<Value>::Vector;
  const double after = before + kLines;
  for (int64_t c = 0; c < width; c += kLanes) {
    Vector first, values[kLines], sum = {}, squares = {};
    Lanes<Value>::load(first, x + c);
    for (int i = 0; i < kLines; ++i) {
      load_line<kLines>(values[i], x + c, width, i);
      values[i] -= first;
      sum += values[i];
    }
    sum *= Sum{1} / Sum{kLines};
    for (int i = 0; i < kLines; ++i) {
      values[i] -= sum;
      squares += values[i] * values[i];
    }
    Doubles mean, spread;
    Lanes<double>::load(mean, moments + c);
    Lanes<double>::load(spread, moments + width + c);
    const Doubles distance =
        __builtin_convertvector(first, Doubles) + __builtin_convertvector(sum, Doubles) - mean;
    mean += distance * (kLines / after);
    spread +=
        __builtin_convertvector(squares, Doubles) + distance * distance * (before * kLines / after);
    Lanes<double>::store(moments + c, mean);
    Lanes<double>::store(moments + width + c, spread);
  }
}

template <bool kSilu, int kLines, typename Value, typename Sum>
[[gnu::always_inline]] inline void apply(int64_t width, const Value* x, const Sum* table,
                                         Value* y) {
  using Vector = typename Lanes<Value>::Vector;
  for (int64_t c = 0; c < width; c += kLanes) {
    Vector mean, scale, shift;
    Lanes<Sum>::load(mean, table + c);
    Lanes<Sum>::load(scale, table + width + c);
    Lanes<Sum>::load(shift, table + 2 * width + c);
    for (int i = 0; i < kLines; ++i) {
      Vector value;
      load_line<kLines>(value, x + c, width, i);
      value = (value - mean) * scale + shift;
      if constexpr (kSilu) {
        Vector divisor;
        one_plus_exp_minus<Sum>(divisor, value);
        value /= divisor;
      }
      store_line<kLines>(y + c, value, width, i);
    }
  }
}

template <bool kSilu, int kLines, typename Value, typename Sum>
[[gnu::always_inline]] inline void add_gradient_sums(int64_t width, const Value* x,
                                                     const Value* grad, const Sum* table,
                                                     double* sums) {
  using Vector = typename Lanes<Value>::Vector;
  for (int64_t c = 0; c < width; c += kLanes) {
    Vector mean, scale, shift, slopes = {}, products = {};
    Lanes<Sum>::load(mean, table + c);
    Lanes<Sum>::load(scale, table + width + c);
    Lanes<Sum>::load(shift, table + 2 * width + c);
    for (int i = 0; i < kLines; ++i) {
      Vector value, slope;
      load_line<kLines>(value, x + c, width, i);
      load_line<kLines>(slope, grad + c, width, i);
      value -= mean;
      if constexpr (kSilu) through_silu<Sum>(slope, value * scale + shift);
      slopes += slope;
      products += slope * value;
    }
    add_to<Value>(sums + c, slopes);
    add_to<Value>(sums + width + c, products);
  }
}

template <bool kSilu, int kLines, typename Value, typename Sum>
[[gnu::always_inline]] inline void backward(int64_t width, const Value* x, const Value* grad,
                                            const Sum* table, Value* grad_x) {
  using Vector = typename Lanes<Value>::Vector;
  for (int64_t c = 0; c < width; c += kLanes) {
    Vector mean, scale, shift, offset, decline;
    Lanes<Sum>::load(mean, table + c);
    Lanes<Sum>::load(scale, table + width + c);
    Lanes<Sum>::load(shift, table + 2 * width + c);
    Lanes<Sum>::load(offset, table + 3 * width + c);
    Lanes<Sum>::load(decline, table + 4 * width + c);
    for (int i = 0; i < kLines; ++i) {
      Vector value, slope;
      load_line<kLines>(value, x + c, width, i);
      load_line<kLines>(slope, grad + c, width, i);
      value -= mean;
      if constexpr (kSilu) through_silu<Sum>(slope, value * scale + shift);
      slope = scale * slope - offset - decline * value;
      store_line<kLines>(grad_x + c, slope, width, i);
    }
  }
}

// Calls kernel(block, silu, value, sum, line) with what is known before the loops as constants.
template <typename Kernel>
[[gnu::always_inline]] inline void run_kernel(const ImageLines& lines, bool silu,
                                              const Kernel& kernel) {
  with_types(
      lines.type, [&](auto value, auto sum) __attribute__((always_inline)) {
        in_blocks(
            lines, [&](auto block, int64_t line) __attribute__((always_inline)) {
              if (silu) {
                kernel(block, std::true_type{}, value, sum, line * lines.width);
              } else {
                kernel(block, std::false_type{}, value, sum, line * lines.width);
              }
            });
      });
}

}  // namespace

COCOLA_CLONES void norm_moments(const ImageLines& lines, const void* x, double* moments) {
  std::fill_n(moments, 2 * lines.width, 0.0);
  with_types(
      lines.type, [&](auto value, auto sum) __attribute__((always_inline)) {
        in_blocks(
            lines, [&](auto block, int64_t line) __attribute__((always_inline)) {
              add_moments<block, decltype(value), decltype(sum)>(
                  lines.width, as(x, value) + line * lines.width,
                  static_cast<double>(line - lines.first), moments);
            });
      });
}

COCOLA_CLONES void norm_apply(const ImageLines& lines, bool silu, const void* x, const void* table,
                              void* y) {
  run_kernel(
      lines, silu,
      [&](auto block, auto with_silu, auto value, auto sum,
          int64_t at) __attribute__((always_inline)) {
        apply<with_silu, block>(lines.width, as(x, value) + at, as(table, sum), as(y, value) + at);
      });
}

COCOLA_CLONES void norm_gradient_sums(const ImageLines& lines, bool silu, const void* x,
                                      const void* grad, const void* table, double* sums) {
  run_kernel(
      lines, silu,
      [&](auto block, auto with_silu, auto value, auto sum, int64_t at)
          __attribute__((always_inline)) {
            add_gradient_sums<with_silu, block>(lines.width, as(x, value) + at,
                                                as(grad, value) + at, as(table, sum), sums);
          });
}

COCOLA_CLONES void norm_backward(const ImageLines& lines, bool silu, const void* x,
                                 const void* grad, const void* table, void* grad_x) {
  run_kernel(
      lines, silu,
      [&](auto block, auto with_silu, auto value, auto sum, int64_t at)
          __attribute__((always_inline)) {
            backward<with_silu, block>(lines.width, as(x, value) + at, as(grad, value) + at,
                                       as(table, sum), as(grad_x, value) + at);
          });
}

}  // namespace cocola
