// The arithmetic of batch norm with SiLU, eight neighbouring channels at a time: one read of
// memory. The kernels of the GPU run these cells, and so do plain loops where there is none.
#pragma once
#include <c10/macros/Macros.h>

#include <cmath>
#include <cstdint>

#include "model/norm_table.h"

namespace cocola {

inline constexpr int kChannelsOfCell = 8;

template <typename Value>
struct alignas(16) ChannelsOfCell {
  Value of[kChannelsOfCell];
};

// An image in channels_last order, of whole cells. Cell i of num_cells() works on the pixels
// slice, slice + slices, ... of some channels: neighbouring cells read neighbouring memory.
struct NormImage {
  int64_t pixels, channels, slices;

  C10_HOST_DEVICE int64_t num_cells() const { return slices * (channels / kChannelsOfCell); }
  C10_HOST_DEVICE int64_t slice_of(int64_t i) const { return i / (channels / kChannelsOfCell); }
  C10_HOST_DEVICE int64_t channel_of(int64_t i) const {
    return i % (channels / kChannelsOfCell) * kChannelsOfCell;
  }

  // visit(place of the first of the channels) for each pixel of a cell, in order.
  template <typename Visit>
  C10_HOST_DEVICE void each_pixel(int64_t i, const Visit& visit) const {
    const int64_t channel = channel_of(i);
    for (int64_t pixel = slice_of(i); pixel < pixels; pixel += slices) {
      visit(pixel * channels + channel);
    }
  }
};

template <typename Value>
C10_HOST_DEVICE ChannelsOfCell<Value> load_channels(const Value* from) {
  return *reinterpret_cast<const ChannelsOfCell<Value>*>(from);
}

template <typename Value>
C10_HOST_DEVICE void store_channels(Value* to, const ChannelsOfCell<Value>& values) {
  *reinterpret_cast<ChannelsOfCell<Value>*>(to) = values;
}

// The derivative of SiLU.
C10_HOST_DEVICE inline float silu_slope(float y) {
  const float sigmoid = 1.0F / (1.0F + std::exp(-y));
  return sigmoid * (1.0F + y * (1.0F - sigmoid));
}

// What the cells of an image share.
struct ChannelFactors {
  ChannelsOfCell<float> mean, scale, shift;

  C10_HOST_DEVICE ChannelFactors(const NormTable& table, int64_t channel)
      : mean(load_channels(table.mean + channel)),
        scale(load_channels(table.scale + channel)),
        shift(load_channels(table.shift + channel)) {}
  C10_HOST_DEVICE float distance(int k, float x) const { return x - mean.of[k]; }
  C10_HOST_DEVICE float normed(int k, float distance) const {
    return distance * scale.of[k] + shift.of[k];
  }
  // dy, from the gradient behind SiLU.
  C10_HOST_DEVICE float slope(int k, float distance, float grad) const {
    return grad * silu_slope(normed(k, distance));
  }
};

template <typename Value>
struct NormSilu {
  const Value* x;
  Value* y;
  NormTable table;
  NormImage image;

  C10_HOST_DEVICE void operator()(int64_t i) const {
    const ChannelFactors factors(table, image.channel_of(i));
    image.each_pixel(i, [&](int64_t place) {
      auto values = load_channels(x + place);
      for (int k = 0; k < kChannelsOfCell; ++k) {
        const float distance = factors.distance(k, static_cast<float>(values.of[k]));
        const float normed = factors.normed(k, distance);
        values.of[k] = static_cast<Value>(normed / (1.0F + std::exp(-normed)));
      }
      store_channels(y + place, values);
    });
  }
};

// Sums of dy and of dy * (x - mean) over the pixels of a cell.
template <typename Value>
struct NormGradientSums {
  const Value *x, *grad;
  NormTable table;
  float* sums;  // [slices, 2, C]
  NormImage image;

  C10_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t channel = image.channel_of(i);
    const ChannelFactors factors(table, channel);
    ChannelsOfCell<float> slopes = {}, products = {};
    image.each_pixel(i, [&](int64_t place) {
      const auto values = load_channels(x + place), grads = load_channels(grad + place);
      for (int k = 0; k < kChannelsOfCell; ++k) {
        const float distance = factors.distance(k, static_cast<float>(values.of[k]));
        const float slope = factors.slope(k, distance, static_cast<float>(grads.of[k]));
        slopes.of[k] += slope;
        products.of[k] += slope * distance;
      }
    });
    float* const to = sums + 2 * image.slice_of(i) * image.channels + channel;
    store_channels(to, slopes);
    store_channels(to + image.channels, products);
  }
};

template <typename Value>
struct NormSiluGradient {
  const Value *x, *grad;
  Value* grad_x;
  NormTable table;
  NormImage image;

  C10_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t channel = image.channel_of(i);
    const ChannelFactors factors(table, channel);
    const auto offset = load_channels(table.offset + channel);
    const auto decline = load_channels(table.slope + channel);
    image.each_pixel(i, [&](int64_t place) {
      const auto values = load_channels(x + place);
      auto grads = load_channels(grad + place);
      for (int k = 0; k < kChannelsOfCell; ++k) {
        const float distance = factors.distance(k, static_cast<float>(values.of[k]));
        const float slope = factors.slope(k, distance, static_cast<float>(grads.of[k]));
        grads.of[k] = static_cast<Value>(factors.scale.of[k] * slope - offset.of[k] -
                                         decline.of[k] * distance);
      }
      store_channels(grad_x + place, grads);
    });
  }
};

}  // namespace cocola
