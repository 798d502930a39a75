// The front end as a chain of operations on tensors that hold many windows: what a GPU runs.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>

#include "features/feature_config.h"
#include "features/front_end_kernels.h"

namespace cocola {

// Works in pieces of windows whose temporaries stay below kPieceBytes. Keeps the memory of the
// frames: calls of one object run on one stream, or wait for each other.
class BatchPipeline {
 public:
  // Everything beside waveforms and features, as long as one window does not need more.
  static constexpr int64_t kPieceBytes = int64_t{1} << 29;

  // kernels are those of `device`.
  BatchPipeline(const FeatureConfig& config, const FrontEndKernels& kernels, at::Device device,
                int64_t piece_bytes = kPieceBytes);

  // Shapes: waveforms [B, L] float32 contiguous on the device, L > fft_size / 2; features [B, C, M,
  //         F] there.
  // Law:    those of FeatureExtractor to the rounding of the transform; a waveform with a sample
  //         that FeatureExtractor refuses gives NaN everywhere, so that nobody waits for the
  //         device.
  at::Tensor extract(const at::Tensor& waveforms);
  at::Device device() const { return taper_.device(); }

 private:
  at::Tensor magnitude_of(const at::Tensor& waveforms);
  at::Tensor medians_of_rows(const at::Tensor& in) const;
  at::Tensor levels_of(const at::Tensor& magnitude) const;

  FeatureConfig config_;
  FrontEndKernels kernels_;
  int64_t piece_bytes_;
  at::Tensor taper_;                       // [taper_samples] double
  at::Tensor first_bins_, first_weights_;  // [M], [M + 1] int64
  at::Tensor weights_;                     // of all bands, one after the other
  at::Tensor frames_;                      // [windows of a piece, F, fft_size] double
};

}  // namespace cocola
