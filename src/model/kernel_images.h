// What the kernels of this folder work on.
#pragma once
#include <ATen/core/Tensor.h>

namespace cocola {

// True for float32, float64 and bfloat16 images on the CPU in channels_last order that are not
// empty, with weights of their type, or float32 for bfloat16.
bool kernels_take(const at::Tensor& x, const at::Tensor& weight);

}  // namespace cocola
