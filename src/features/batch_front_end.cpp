#include "features/batch_front_end.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>

#include <span>

#include "base/error.h"

namespace cocola {

BatchFrontEnd::BatchFrontEnd(const FeatureConfig& config) : extractor_(config) {}

at::Tensor BatchFrontEnd::extract(const at::Tensor& waveforms) {
  const FeatureConfig& config = extractor_.config();
  if (waveforms.dim() != 2 || waveforms.scalar_type() != at::kFloat ||
      waveforms.size(1) <= config.fft_size / 2) {
    fail("features",
         "{} values of type {} in {} dimensions; needed are waveforms of more than {} samples, in "
         "2 dimensions of float",
         waveforms.numel(), c10::toString(waveforms.scalar_type()), waveforms.dim(),
         config.fft_size / 2);
  }
  const at::Tensor rows = waveforms.contiguous();
  if (!rows.is_cpu()) {
    const c10::DeviceGuard device(rows.device());
    if (!pipeline_ || pipeline_->device() != rows.device()) {
      pipeline_.emplace(config, cuda_front_end_kernels(), rows.device());
    }
    return pipeline_->extract(rows);
  }
  const auto num_samples = static_cast<size_t>(rows.size(1));
  const FeatureShape shape = config.shape(rows.size(1));
  const at::Tensor features =
      at::empty({rows.size(0), shape.channels, shape.mel_bins, shape.frames}, rows.options());
  for (int64_t i = 0; i < rows.size(0); ++i) {
    extractor_.extract(std::span(rows[i].const_data_ptr<float>(), num_samples),
                       std::span(features[i].data_ptr<float>(), static_cast<size_t>(shape.size())));
  }
  return features;
}

}  // namespace cocola
