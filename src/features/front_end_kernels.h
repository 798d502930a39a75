// The operations of the front end for many windows that LibTorch does not have, chosen by device.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>

#include "features/front_end_cells.h"
#include "features/sliding_median.h"

namespace cocola {

struct FrontEndKernels {
  // Every cell i < n once.
  void (*taper)(const TaperedFrames& cells, int64_t n) = nullptr;
  void (*medians)(const MediansOfRows& cells, int64_t n) = nullptr;
  void (*mel)(const MelLevels& cells, int64_t n) = nullptr;
  // |z| of complex double values, as float: sqrt(re^2 + im^2), in their shape.
  at::Tensor (*magnitude)(const at::Tensor& spectrum) = nullptr;
};

// Queued on the current stream of the current device. Throws: Error in a build without CUDA.
FrontEndKernels cuda_front_end_kernels();

}  // namespace cocola
