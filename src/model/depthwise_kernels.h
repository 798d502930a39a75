// The loops of the depthwise convolution on the CPU, on plain memory.
// Images are [N, H, W, C], weights [K * K, C]; C is a multiple of kLanes, K is 3 or 5.
// `type` is that of the images: float32, float64 or bfloat16. Weights, and sums, are float64 for
// float64 and else float32. Sums are taken in a fixed order, whatever the number of threads.
#pragma once
#include <c10/core/ScalarType.h>

#include <cstdint>

#include "model/lanes.h"

namespace cocola {

struct DepthwiseGeometry {
  int64_t channels, kernel, stride,
      pad;  // pad: zeros before the image; behind it as many as needed
  int64_t in_height, in_width, out_height, out_width;
};

// Rows first .. last - 1 of the output; row r is line r % out_height of image r / out_height.
void depthwise_forward(const DepthwiseGeometry& g, c10::ScalarType type, const void* x,
                       const void* weight, void* y, int64_t first, int64_t last);

// Rows first .. last - 1 of the gradient of the input.
void depthwise_backward_input(const DepthwiseGeometry& g, c10::ScalarType type, const void* grad,
                              const void* weight, void* grad_x, int64_t first, int64_t last);

// Adds what images first .. last - 1 contribute to the weight's gradient [K * K, C], for the
// kLanes channels from `channel` on.
void depthwise_backward_weight(const DepthwiseGeometry& g, c10::ScalarType type, const void* x,
                               const void* grad, void* grad_weight, int64_t channel, int64_t first,
                               int64_t last);

}  // namespace cocola
