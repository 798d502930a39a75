#include "eval/accuracy_baselines.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

namespace cocola {
namespace {

class RecordingSource : public PairSource {
 public:
  RecordingSource(std::unique_ptr<PairSource> inner, const FeatureShape& shape,
                  std::shared_ptr<WindowEnvelopes> envelopes)
      : inner_(std::move(inner)), shape_(shape), envelopes_(std::move(envelopes)) {}

  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    inner_->make_pair(window, epoch, anchor, positive);
    record(anchor, window, envelopes_->loudness.anchors, envelopes_->onsets.anchors);
    record(positive, window, envelopes_->loudness.positives, envelopes_->onsets.positives);
  }

 private:
  void record(std::span<const float> view, int64_t window, const at::Tensor& loudness,
              const at::Tensor& onsets) const {
    const auto row = [&](const at::Tensor& all) {
      return all.data_ptr<float>() + window * shape_.frames;
    };
    std::ranges::copy(loudness_envelope(view, shape_), row(loudness));
    std::ranges::copy(onset_envelope(view, shape_), row(onsets));
  }

  std::unique_ptr<PairSource> inner_;
  FeatureShape shape_;
  std::shared_ptr<WindowEnvelopes> envelopes_;
};

// Rows of mean 0 and length 1; constant ones become 0.
at::Tensor standardised(const at::Tensor& rows) {
  const at::Tensor values = rows.to(at::kDouble);
  const at::Tensor centred = values - values.mean(1, true);
  const at::Tensor length = centred.square().sum(1, true).sqrt();
  const at::Tensor varies = values.amax({1}, true) > values.amin({1}, true);
  return at::where(varies, centred / length, at::zeros_like(centred)).to(at::kFloat);
}

}  // namespace

std::vector<float> loudness_envelope(std::span<const float> features, const FeatureShape& shape) {
  const auto frames = static_cast<size_t>(shape.frames);
  std::vector<double> power(frames, 0.0);
  for (size_t at = 0; at < features.size(); ++at) {
    power[at % frames] += std::exp2(std::log2(10.0) / 10.0 * static_cast<double>(features[at]));
  }
  std::vector<float> loudness;
  const auto num_bands = static_cast<double>(shape.channels * shape.mel_bins);
  for (const double sum : power) loudness.push_back(static_cast<float>(std::sqrt(sum / num_bands)));
  return loudness;
}

std::vector<float> onset_envelope(std::span<const float> features, const FeatureShape& shape) {
  const auto frames = static_cast<size_t>(shape.frames);
  const std::span<const float> channel =
      features.last(static_cast<size_t>(shape.mel_bins) * frames);  // the percussive one of two
  std::vector<float> rises(frames, 0.0f);
  for (size_t band = 0; band < channel.size(); band += frames) {
    for (size_t f = 1; f < frames; ++f) {
      rises[f] += std::max(channel[band + f] - channel[band + f - 1], 0.0f);
    }
  }
  return rises;
}

at::Tensor correlations(const at::Tensor& anchors, const at::Tensor& positives) {
  return at::matmul(standardised(anchors), standardised(positives).t());
}

WindowEnvelopes::WindowEnvelopes(int64_t num_windows, int64_t num_frames) {
  for (at::Tensor* const all :
       {&loudness.anchors, &loudness.positives, &onsets.anchors, &onsets.positives}) {
    *all = at::zeros({num_windows, num_frames}, at::kFloat);
  }
}

std::unique_ptr<PairSource> recording_source(std::unique_ptr<PairSource> inner,
                                             const FeatureShape& shape,
                                             std::shared_ptr<WindowEnvelopes> envelopes) {
  return std::make_unique<RecordingSource>(std::move(inner), shape, std::move(envelopes));
}

}  // namespace cocola
