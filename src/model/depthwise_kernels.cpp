#include "model/depthwise_kernels.h"

#include <algorithm>

namespace cocola {
namespace {

// Steps from pixel to pixel are too long for the processor to foresee.
constexpr int64_t kPixelsAhead = 8;

// The taps that reach position i along one axis: first, first + step, ... below last. The first of
// them reads position `source`, each further one the next (backward: the one before).
struct Taps {
  int64_t first, last, source;
};

template <bool Backward>
[[gnu::always_inline]] inline Taps taps_of(const DepthwiseGeometry& g, int64_t i,
                                           int64_t source_size) {
  if (!Backward) {
    const int64_t start = i * g.stride - g.pad;
    const int64_t first = std::max<int64_t>(0, -start);
    return {first, std::min(g.kernel, source_size - start), start + first};
  }
  // Output o was made by tap k from input i where o * stride = i + pad - k.
  const int64_t lowest = std::max<int64_t>(0, i + g.pad - (source_size - 1) * g.stride);
  const int64_t first = lowest + (i + g.pad - lowest) % g.stride;
  return {first, std::min(g.kernel, i + g.pad + 1), (i + g.pad - first) / g.stride};
}

// One line of the output (backward: of the input's gradient) for kVectors * 16 channels.
template <bool Backward, int kVectors, typename Value, typename Sum>
[[gnu::always_inline]] inline void accumulate_line(const DepthwiseGeometry& g, const Value* image,
                                                   const Sum* weight, Value* line, int64_t row) {
  using L = Lanes<Value>;
  const int64_t source_width = Backward ? g.out_width : g.in_width;
  const int64_t width = Backward ? g.in_width : g.out_width;
  const int64_t step = Backward ? g.stride : 1;
  const int64_t next = Backward ? -1 : 1;
  const Taps vertical = taps_of<Backward>(g, row, Backward ? g.out_height : g.in_height);
  // The lowest source line was not read for the line before.
  const int64_t lowest = vertical.source + (Backward ? 0 : vertical.last - vertical.first - 1);
  for (int64_t column = 0; column < width; ++column) {
    const Taps horizontal = taps_of<Backward>(g, column, source_width);
    const int64_t ahead = lowest * source_width + horizontal.source + kPixelsAhead;
    for (int v = 0; v < kVectors; ++v) {
      fetch_ahead(image + ahead * g.channels + v * kLanes);
      fetch_to_write(line + (column + kPixelsAhead) * g.channels + v * kLanes);
    }
    typename L::Vector sums[kVectors] = {};
    int64_t source_row = vertical.source;
    for (int64_t kh = vertical.first; kh < vertical.last; kh += step, source_row += next) {
      const Value* from = image + (source_row * source_width + horizontal.source) * g.channels;
      const Sum* const taps = weight + kh * g.kernel * g.channels;
      for (int64_t kw = horizontal.first; kw < horizontal.last; kw += step) {
        for (int v = 0; v < kVectors; ++v) {
          typename L::Vector value, factor;
          L::load(value, from + v * kLanes);
          Lanes<Sum>::load(factor, taps + kw * g.channels + v * kLanes);
          sums[v] += value * factor;
        }
        from += next * g.channels;
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      L::store(line + column * g.channels + v * kLanes, sums[v]);
    }
  }
}

template <bool Backward, typename Value, typename Sum>
[[gnu::always_inline]] inline void accumulate(const DepthwiseGeometry& g, const Value* from,
                                              const Sum* weight, Value* to, int64_t first,
                                              int64_t last) {
  constexpr int kWide = 3;  // expansion makes channels multiples of 48
  const int64_t in_size = g.in_height * g.in_width, out_size = g.out_height * g.out_width;
  const int64_t height = Backward ? g.in_height : g.out_height;
  const int64_t width = Backward ? g.in_width : g.out_width;
  for (int64_t row = first; row < last; ++row) {
    const Value* const image = from + row / height * (Backward ? out_size : in_size) * g.channels;
    Value* const line = to + row * width * g.channels;
    int64_t c = 0;
    for (; c + kWide * kLanes <= g.channels; c += kWide * kLanes) {
      accumulate_line<Backward, kWide>(g, image + c, weight + c, line + c, row % height);
    }
    for (; c < g.channels; c += kLanes) {
      accumulate_line<Backward, 1>(g, image + c, weight + c, line + c, row % height);
    }
  }
}

// One line of the kernel at a time, its taps' sums in registers along a line of the image.
template <int kKernel, typename Value, typename Sum>
[[gnu::always_inline]] inline void accumulate_weight(const DepthwiseGeometry& g, const Value* x,
                                                     const Value* grad, Sum* grad_weight,
                                                     int64_t row, int64_t kh) {
  using L = Lanes<Value>;
  const int64_t in_row = row * g.stride - g.pad + kh;
  if (in_row < 0 || in_row >= g.in_height) return;
  const Value* const x_line = x + in_row * g.in_width * g.channels;
  const Value* const grad_line = grad + row * g.out_width * g.channels;
  typename L::Vector sums[kKernel] = {};
  for (int64_t column = 0; column < g.out_width; ++column) {
    typename L::Vector slope, value;
    L::load(slope, grad_line + column * g.channels);
    const int64_t left = column * g.stride - g.pad;
    fetch_ahead(grad_line + (column + kPixelsAhead) * g.channels);
    fetch_ahead(x_line + (left + kKernel + kPixelsAhead) * g.channels);
    if (left >= 0 && left + kKernel <= g.in_width) {
      for (int kw = 0; kw < kKernel; ++kw) {
        L::load(value, x_line + (left + kw) * g.channels);
        sums[kw] += value * slope;
      }
    } else {
      for (int kw = 0; kw < kKernel; ++kw) {
        if (left + kw < 0 || left + kw >= g.in_width) continue;
        L::load(value, x_line + (left + kw) * g.channels);
        sums[kw] += value * slope;
      }
    }
  }
  for (int kw = 0; kw < kKernel; ++kw) {
    Sum* const to = grad_weight + (kh * kKernel + kw) * g.channels;
    typename L::Vector total;
    Lanes<Sum>::load(total, to);
    total += sums[kw];
    Lanes<Sum>::store(to, total);
  }
}

template <typename Value, typename Sum>
[[gnu::always_inline]] inline void accumulate_weights(const DepthwiseGeometry& g, const Value* x,
                                                      const Value* grad, Sum* grad_weight,
                                                      int64_t channel, int64_t first,
                                                      int64_t last) {
  for (int64_t image = first; image < last; ++image) {
    const Value* const from = x + image * g.in_height * g.in_width * g.channels + channel;
    const Value* const slopes = grad + image * g.out_height * g.out_width * g.channels + channel;
    for (int64_t row = 0; row < g.out_height; ++row) {
      for (int64_t kh = 0; kh < g.kernel; ++kh) {
        if (g.kernel == 3) {
          accumulate_weight<3>(g, from, slopes, grad_weight + channel, row, kh);
        } else {
          accumulate_weight<5>(g, from, slopes, grad_weight + channel, row, kh);
        }
      }
    }
  }
}

}  // namespace

COCOLA_CLONES void depthwise_forward(const DepthwiseGeometry& g, c10::ScalarType type,
                                     const void* x, const void* weight, void* y, int64_t first,
                                     int64_t last) {
  with_types(
      type, [&](auto value, auto sum) __attribute__((always_inline)) {
        accumulate<false>(g, as(x, value), as(weight, sum), as(y, value), first, last);
      });
}

COCOLA_CLONES void depthwise_backward_input(const DepthwiseGeometry& g, c10::ScalarType type,
                                            const void* grad, const void* weight, void* grad_x,
                                            int64_t first, int64_t last) {
  with_types(
      type, [&](auto value, auto sum) __attribute__((always_inline)) {
        accumulate<true>(g, as(grad, value), as(weight, sum), as(grad_x, value), first, last);
      });
}

COCOLA_CLONES void depthwise_backward_weight(const DepthwiseGeometry& g, c10::ScalarType type,
                                             const void* x, const void* grad, void* grad_weight,
                                             int64_t channel, int64_t first, int64_t last) {
  with_types(
      type, [&](auto value, auto sum) __attribute__((always_inline)) {
        accumulate_weights(g, as(x, value), as(grad, value), as(grad_weight, sum), channel, first,
                           last);
      });
}

}  // namespace cocola
