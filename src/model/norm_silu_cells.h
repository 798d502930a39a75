// The arithmetic of batch norm with SiLU, eight neighbouring channels at a time: one read of
// memory. The kernels of the GPU run these cells, and so do plain loops where there is none.
#pragma once
#include <c10/macros/Macros.h>

#include <cmath>
#include <cstdint>

namespace cocola {

// float32 [C] each. SiLU is taken of (x - mean) * scale + shift; the gradient of x is
// scale * dy - offset - slope * (x - mean), where dy is the gradient before SiLU.
struct NormTable {
  float *mean, *scale, *shift;
  float *offset, *slope;  // of a backward pass
};

// Cell c of C channels: what a forward pass multiplies by, and the statistics it reports.
struct NormFactors {
  const float *mean, *inverse;  // [C]; inverse is 1 / sqrt(variance + epsilon)
  const float *weight, *bias;   // [C]
  NormTable table;
  float* measured;  // [2 C], mean and unbiased variance, or null
  int64_t channels;
  double pixels;
  float epsilon;  // as it was added

  C10_HOST_DEVICE void operator()(int64_t c) const {
    table.mean[c] = mean[c];
    table.scale[c] = weight[c] * inverse[c];
    table.shift[c] = bias[c];
    if (measured == nullptr) return;
    const double deviation = 1.0 / static_cast<double>(inverse[c]);
    const double variance = deviation * deviation - static_cast<double>(epsilon);
    measured[c] = mean[c];
    measured[channels + c] =
        static_cast<float>((variance > 0.0 ? variance : 0.0) * pixels / (pixels - 1.0));
  }
};

// Cell c of C channels: the gradients of weight and bias, and what a backward pass takes from that
// of x.
struct NormShares {
  const double* sums;    // [2, C]: of dy and of dy * (x - mean)
  const float* inverse;  // [C]
  NormTable table;       // with the scales
  float *grad_weight, *grad_bias;
  int64_t channels;
  double pixels;

  C10_HOST_DEVICE void operator()(int64_t c) const {
    const double weight = sums[channels + c] * static_cast<double>(inverse[c]);
    const double share = static_cast<double>(table.scale[c]) / pixels;
    grad_bias[c] = static_cast<float>(sums[c]);
    grad_weight[c] = static_cast<float>(weight);
    table.offset[c] = static_cast<float>(share * sums[c]);
    table.slope[c] = static_cast<float>(share * static_cast<double>(inverse[c]) * weight);
  }
};

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

template <typename Value>
struct NormSilu {
  const Value* x;
  Value* y;
  NormTable table;
  NormImage image;

  C10_HOST_DEVICE void operator()(int64_t i) const {
    const auto channel = image.channel_of(i);
    const auto mean = load_channels(table.mean + channel);
    const auto scale = load_channels(table.scale + channel);
    const auto shift = load_channels(table.shift + channel);
    image.each_pixel(i, [&](int64_t place) {
      auto values = load_channels(x + place);
      for (int k = 0; k < kChannelsOfCell; ++k) {
        const float normed =
            (static_cast<float>(values.of[k]) - mean.of[k]) * scale.of[k] + shift.of[k];
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
    const auto channel = image.channel_of(i);
    const auto mean = load_channels(table.mean + channel);
    const auto scale = load_channels(table.scale + channel);
    const auto shift = load_channels(table.shift + channel);
    ChannelsOfCell<float> slopes = {}, products = {};
    image.each_pixel(i, [&](int64_t place) {
      const auto values = load_channels(x + place), grads = load_channels(grad + place);
      for (int k = 0; k < kChannelsOfCell; ++k) {
        const float distance = static_cast<float>(values.of[k]) - mean.of[k];
        const float slope =
            static_cast<float>(grads.of[k]) * silu_slope(distance * scale.of[k] + shift.of[k]);
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
    const auto channel = image.channel_of(i);
    const auto mean = load_channels(table.mean + channel);
    const auto scale = load_channels(table.scale + channel);
    const auto shift = load_channels(table.shift + channel);
    const auto offset = load_channels(table.offset + channel);
    const auto decline = load_channels(table.slope + channel);
    image.each_pixel(i, [&](int64_t place) {
      const auto values = load_channels(x + place);
      auto grads = load_channels(grad + place);
      for (int k = 0; k < kChannelsOfCell; ++k) {
        const float distance = static_cast<float>(values.of[k]) - mean.of[k];
        const float slope =
            static_cast<float>(grads.of[k]) * silu_slope(distance * scale.of[k] + shift.of[k]);
        grads.of[k] =
            static_cast<Value>(scale.of[k] * slope - offset.of[k] - decline.of[k] * distance);
      }
      store_channels(grad_x + place, grads);
    });
  }
};

}  // namespace cocola
