// What batch norm with SiLU on a GPU knows of each channel, and the arithmetic that fills it, one
// channel at a time.
#pragma once
#include <c10/macros/Macros.h>

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

}  // namespace cocola
