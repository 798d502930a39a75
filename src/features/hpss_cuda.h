// Harmonic/percussive separation of many spectrograms at a time on a GPU: the twin of hpss.h.
// For tests and comparisons: the front end (batch_pipeline.h) fuses masks and mel bands. No GPU has
// run it yet.
#pragma once
#include <ATen/core/Tensor.h>

namespace cocola {

struct HpssParts {
  at::Tensor harmonic, percussive;
};

// Splits magnitudes as hpss() does. Queued on the current stream of magnitude's device.
//
// Shapes: magnitude [B, num_frames, num_bins] float32 on a GPU; both parts like it.
// Requires: no NaN.
// Throws: Error for another shape, type or device, or in a build without CUDA.
// Law:    the same bits as hpss() on the CPU.
HpssParts hpss_cuda(const at::Tensor& magnitude);

// Whether this build has CUDA and this machine a GPU.
bool can_run_hpss_cuda();

}  // namespace cocola
