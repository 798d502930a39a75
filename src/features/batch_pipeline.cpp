#include "features/batch_pipeline.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/ScalarType.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "features/feature_extractor.h"
#include "features/mel.h"
#include "features/stft.h"

namespace cocola {
namespace {

template <typename T>
at::Tensor copied(std::vector<T>& values, at::Device device) {
  const auto type = c10::CppTypeToScalarType<T>::value;
  return at::from_blob(values.data(), {static_cast<int64_t>(values.size())}, type)
      .to(device, type, /*non_blocking=*/false, /*copy=*/true);
}

// Frames and spectrum in double precision, and five arrays of magnitudes and medians.
int64_t bytes_of_window(const FeatureConfig& config, int64_t num_frames) {
  const int64_t num_bins = config.fft_size / 2 + 1;
  return num_frames * (8 * config.fft_size + 16 * num_bins + 5 * 4 * num_bins);
}

}  // namespace

BatchPipeline::BatchPipeline(const FeatureConfig& config, const FrontEndKernels& kernels,
                             at::Device device, int64_t piece_bytes)
    : config_(config), kernels_(kernels), piece_bytes_(piece_bytes) {
  std::vector<double> taper = hann_taper(config.taper_samples);
  std::vector<int64_t> first_bins, first_weights = {0};
  std::vector<float> weights;
  for (const MelBand& band : mel_bands(config)) {
    first_bins.push_back(band.first_bin);
    weights.insert(weights.end(), band.weights.begin(), band.weights.end());
    first_weights.push_back(static_cast<int64_t>(weights.size()));
  }
  taper_ = copied(taper, device);
  first_bins_ = copied(first_bins, device);
  first_weights_ = copied(first_weights, device);
  weights_ = copied(weights, device);
}

at::Tensor BatchPipeline::extract(const at::Tensor& waveforms) {
  const int64_t num_windows = waveforms.size(0);
  const FeatureShape shape = config_.shape(waveforms.size(1));
  const at::Tensor features =
      at::empty({num_windows, shape.channels, shape.mel_bins, shape.frames}, waveforms.options());
  const int64_t piece = std::clamp<int64_t>(piece_bytes_ / bytes_of_window(config_, shape.frames),
                                            1, std::max<int64_t>(1, num_windows));
  if (!frames_.defined() || frames_.size(0) < piece || frames_.size(1) != shape.frames) {
    frames_ = at::Tensor();  // the old ones make room
    frames_ = at::zeros({piece, shape.frames, config_.fft_size}, taper_.options());
  }
  for (int64_t first = 0; first < num_windows; first += piece) {
    const int64_t count = std::min(piece, num_windows - first);
    const at::Tensor some = waveforms.narrow(0, first, count);
    at::Tensor levels = levels_of(magnitude_of(some));
    if (config_.kind == FeatureKind::hps) {
      levels.sub_(levels.amax({2, 3}, /*keepdim=*/true)).clamp_min_(-kRangeDb);
    }
    // Not-a-number is beyond the limit as well.
    const at::Tensor refused = some.abs().amax(1).le(kLoudestSample).logical_not_();
    levels.masked_fill_(refused.view({count, 1, 1, 1}), std::numeric_limits<float>::quiet_NaN());
    features.narrow(0, first, count).copy_(levels);
  }
  return features;
}

// [b, L] to [b, F, num_bins].
at::Tensor BatchPipeline::magnitude_of(const at::Tensor& waveforms) {
  const int64_t num_windows = waveforms.size(0), num_samples = waveforms.size(1);
  const int64_t num_frames = frames_.size(1);
  const at::Tensor frames = frames_.narrow(0, 0, num_windows);
  const TaperedFrames cells{.waveforms = waveforms.const_data_ptr<float>(),
                            .taper = taper_.const_data_ptr<double>(),
                            .frames = frames.data_ptr<double>(),
                            .num_samples = num_samples,
                            .num_frames = num_frames,
                            .fft_size = config_.fft_size,
                            .taper_samples = config_.taper_samples,
                            .hop_samples = config_.hop_samples,
                            .padding = edge_padding_of(config_.kind)};
  kernels_.taper(cells, num_windows * num_frames * config_.taper_samples);
  return kernels_.magnitude(at::fft_rfft(frames));
}

// in is contiguous [b, rows, columns].
at::Tensor BatchPipeline::medians_of_rows(const at::Tensor& in) const {
  const at::Tensor out = at::empty_like(in);
  const MediansOfRows cells{.in = in.const_data_ptr<float>(),
                            .out = out.data_ptr<float>(),
                            .rows = in.size(1),
                            .columns = in.size(2)};
  kernels_.medians(cells, in.size(0) * cells.runs() * cells.columns);
  return out;
}

// [b, F, num_bins] to [b, C, M, F]. Frames lie side by side from here on, as in the features.
at::Tensor BatchPipeline::levels_of(const at::Tensor& magnitude) const {
  const int64_t num_windows = magnitude.size(0), num_frames = magnitude.size(1);
  const auto turned = [](const at::Tensor& t) { return t.transpose(1, 2).contiguous(); };
  const at::Tensor across = turned(magnitude);
  at::Tensor harmonic, percussive;
  if (config_.kind == FeatureKind::hps) {
    harmonic = turned(medians_of_rows(magnitude));
    percussive = medians_of_rows(across);
  }
  const auto values = [](const at::Tensor& t) {
    return t.defined() ? t.const_data_ptr<float>() : nullptr;
  };
  const at::Tensor levels = at::empty(
      {num_windows, config_.channels(), config_.mel_bins, num_frames}, magnitude.options());
  const MelLevels cells{.magnitude = values(across),
                        .harmonic_median = values(harmonic),
                        .percussive_median = values(percussive),
                        .first_bins = first_bins_.const_data_ptr<int64_t>(),
                        .first_weights = first_weights_.const_data_ptr<int64_t>(),
                        .weights = values(weights_),
                        .levels = levels.data_ptr<float>(),
                        .num_bins = magnitude.size(2),
                        .num_frames = num_frames,
                        .mel_bins = config_.mel_bins};
  kernels_.mel(cells, num_windows * config_.mel_bins * num_frames);
  return levels;
}

}  // namespace cocola
