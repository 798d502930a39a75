#include "model/excitation_kernels.h"

namespace cocola {
namespace {

template <int kLines, bool kFactor, typename Value>
[[gnu::always_inline]] inline void add_sums(int64_t width, const Value* x, const Value* factor,
                                            double* sums) {
  using Vector = typename Lanes<Value>::Vector;
  for (int64_t c = 0; c < width; c += kLanes) {
    Vector total = {};
    for (int i = 0; i < kLines; ++i) {
      Vector value;
      load_line<kLines>(value, x + c, width, i);
      if constexpr (kFactor) {
        Vector other;
        load_line<kLines>(other, factor + c, width, i);
        value *= other;
      }
      total += value;
    }
    add_to<Value>(sums + c, total);
  }
}

template <int kLines, typename Value, typename Sum>
[[gnu::always_inline]] inline void scale_block(int64_t width, const Value* x, const Sum* table,
                                               Value* y) {
  using Vector = typename Lanes<Value>::Vector;
  for (int64_t c = 0; c < width; c += kLanes) {
    Vector scale, shift;
    Lanes<Sum>::load(scale, table + c);
    Lanes<Sum>::load(shift, table + width + c);
    for (int i = 0; i < kLines; ++i) {
      Vector value;
      load_line<kLines>(value, x + c, width, i);
      value = value * scale + shift;
      store_line<kLines>(y + c, value, width, i);
    }
  }
}

}  // namespace

COCOLA_CLONES void sum_lines(const ImageLines& lines, const void* x, const void* factor,
                             double* sums) {
  const auto sum = [&](auto block, auto value, int64_t at) __attribute__((always_inline)) {
    if (factor == nullptr) {
      add_sums<block, false>(lines.width, as(x, value) + at, as(x, value) + at, sums);
    } else {
      add_sums<block, true>(lines.width, as(x, value) + at, as(factor, value) + at, sums);
    }
  };
  with_types(
      lines.type, [&](auto value, auto) __attribute__((always_inline)) {
        in_blocks(
            lines, [&](auto block, int64_t line)
                       __attribute__((always_inline)) { sum(block, value, line * lines.width); });
      });
}

COCOLA_CLONES void scale_lines(const ImageLines& lines, const void* x, const void* table, void* y) {
  with_types(
      lines.type, [&](auto value, auto sum) __attribute__((always_inline)) {
        in_blocks(
            lines, [&](auto block, int64_t line) __attribute__((always_inline)) {
              const int64_t at = line * lines.width;
              scale_block<block>(lines.width, as(x, value) + at, as(table, sum), as(y, value) + at);
            });
      });
}

}  // namespace cocola
