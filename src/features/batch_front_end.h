// Features of many waveforms at once, where the waveforms are: one law for CPU and GPU.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

#include "features/batch_pipeline.h"
#include "features/feature_extractor.h"

namespace cocola {

// On the CPU each waveform goes through FeatureExtractor; on a GPU all go through a BatchPipeline,
// queued on the current stream. No GPU has run it yet.
//
// Not thread-safe; see BatchPipeline for streams.
class BatchFrontEnd {
 public:
  explicit BatchFrontEnd(const FeatureConfig& config);

  // Shapes: waveforms [B, L] float32, L > fft_size / 2; features [B, C, M, F] on the same device.
  // Throws: Error for another shape or type; on the CPU for samples that FeatureExtractor refuses,
  //         on a GPU the features of their waveform are NaN.
  // Law:    both devices agree to the tolerance of the golden features.
  at::Tensor extract(const at::Tensor& waveforms);

 private:
  FeatureExtractor extractor_;
  std::optional<BatchPipeline> pipeline_;
};

}  // namespace cocola
