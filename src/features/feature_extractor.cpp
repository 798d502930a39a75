#include "features/feature_extractor.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "features/mel.h"
#include "features/simd_kernels.h"
#include "features/stft.h"

namespace cocola {
namespace {

constexpr int64_t kReach = kMedianTaps / 2;

// columns [first, first + lanes) of frames become lanes: out[bin * lanes + l] = in[(first + l) *
// num_bins + bin].
void to_lanes(const float* in, int64_t first, int64_t used, int64_t num_bins, int64_t lanes,
              float* out) {
  for (int64_t l = 0; l < lanes; ++l) {
    // Lanes beyond the last frame repeat it; their results are not stored.
    const float* const frame = in + (first + std::min(l, used - 1)) * num_bins;
    for (int64_t bin = 0; bin < num_bins; ++bin) out[bin * lanes + l] = frame[bin];
  }
}

}  // namespace

struct FeatureExtractor::Impl {
  Impl(const FeatureConfig& settings, SimdLevel simd_level)
      : config(settings),
        level(simd_level),
        kernels(simd_kernels(simd_level)),
        stft(settings, edge_padding_of(settings.kind), simd_level),
        bands(mel_bands(settings)) {}

  void prepare(int64_t num_frames);
  void pad_frequencies(float* lanes) const;
  void mel_block(const float* power, int64_t channel, int64_t first, int64_t used,
                 const FeatureShape& shape, float* out) const;
  void hps_blocks(const FeatureShape& shape, float* out);
  void mel_blocks(const FeatureShape& shape, float* out);

  FeatureConfig config;
  SimdLevel level;
  SimdKernels kernels;
  Stft stft;
  std::vector<MelBand> bands;
  MedianScratch scratch;
  std::vector<float> magnitude, harmonic_median;                // [frames, bins]
  std::vector<float> padded, percussive_lanes, harmonic_lanes;  // [bins (+ 30), lanes]
  std::vector<float> harmonic_power, percussive_power;          // [bins, lanes]
};

void FeatureExtractor::Impl::prepare(int64_t num_frames) {
  const auto cells = static_cast<size_t>(num_frames * stft.num_bins());
  const auto block = static_cast<size_t>((stft.num_bins() + 2 * kReach) * kernels.num_lanes);
  magnitude.resize(cells);
  harmonic_median.resize(cells);
  for (auto* buffer :
       {&padded, &percussive_lanes, &harmonic_lanes, &harmonic_power, &percussive_power}) {
    buffer->resize(block);
  }
  scratch.sorted.resize(static_cast<size_t>(kMedianTaps * 16 * kernels.num_lanes));
}

// Mirrors the bins at both ends; lanes points at the first of num_bins + 30 rows.
void FeatureExtractor::Impl::pad_frequencies(float* lanes) const {
  const int64_t n = stft.num_bins(), width = kernels.num_lanes;
  for (int64_t i = 0; i < kReach; ++i) {
    std::copy_n(lanes + (kReach + i) * width, width, lanes + (kReach - 1 - i) * width);
    std::copy_n(lanes + (kReach + n - 1 - i) * width, width, lanes + (kReach + n + i) * width);
  }
}

void FeatureExtractor::Impl::mel_block(const float* power, int64_t channel, int64_t first,
                                       int64_t used, const FeatureShape& shape, float* out) const {
  float sums[16];
  for (int64_t b = 0; b < shape.mel_bins; ++b) {
    const MelBand& band = bands[static_cast<size_t>(b)];
    kernels.weighted_sum(band.weights.data(), power + band.first_bin * kernels.num_lanes,
                         static_cast<int64_t>(band.weights.size()), sums);
    std::copy_n(sums, used, out + (channel * shape.mel_bins + b) * shape.frames + first);
  }
}

// A block of frames at a time goes through median, masks and mel while it is in the nearest cache.
void FeatureExtractor::Impl::hps_blocks(const FeatureShape& shape, float* out) {
  const int64_t bins = stft.num_bins(), lanes = kernels.num_lanes;
  median31_along_rows_axis(magnitude, harmonic_median, shape.frames, bins, scratch, level);
  float* const magnitude_lanes = padded.data() + kReach * lanes;
  for (int64_t first = 0; first < shape.frames; first += lanes) {
    const int64_t used = std::min(lanes, shape.frames - first);
    to_lanes(magnitude.data(), first, used, bins, lanes, magnitude_lanes);
    to_lanes(harmonic_median.data(), first, used, bins, lanes, harmonic_lanes.data());
    pad_frequencies(padded.data());
    kernels.median31(padded.data(), percussive_lanes.data(), bins, scratch.sorted.data());
    kernels.masked_power(magnitude_lanes, harmonic_lanes.data(), percussive_lanes.data(),
                         harmonic_power.data(), percussive_power.data(), bins * lanes);
    mel_block(harmonic_power.data(), 0, first, used, shape, out);
    mel_block(percussive_power.data(), 1, first, used, shape, out);
  }
  // dB below the channel's own maximum, cut at the range.
  const int64_t channel_size = shape.mel_bins * shape.frames;
  for (int64_t c = 0; c < 2; ++c) {
    float* const channel = out + c * channel_size;
    kernels.to_decibel(channel, channel_size);
    const float loudest = *std::max_element(channel, channel + channel_size);
    for (int64_t i = 0; i < channel_size; ++i)
      channel[i] = std::max(channel[i] - loudest, -kRangeDb);
  }
}

void FeatureExtractor::Impl::mel_blocks(const FeatureShape& shape, float* out) {
  const int64_t bins = stft.num_bins(), lanes = kernels.num_lanes;
  for (float& value : magnitude) value *= value;
  for (int64_t first = 0; first < shape.frames; first += lanes) {
    const int64_t used = std::min(lanes, shape.frames - first);
    to_lanes(magnitude.data(), first, used, bins, lanes, harmonic_power.data());
    mel_block(harmonic_power.data(), 0, first, used, shape, out);
  }
  kernels.to_decibel(out, shape.size());
}

FeatureExtractor::FeatureExtractor(const FeatureConfig& config, SimdLevel level) {
  config.validate();
  impl_ = std::make_unique<Impl>(config, level);
}
FeatureExtractor::~FeatureExtractor() = default;
FeatureExtractor::FeatureExtractor(FeatureExtractor&&) noexcept = default;

const FeatureConfig& FeatureExtractor::config() const { return impl_->config; }

void FeatureExtractor::extract(std::span<const float> waveform, std::span<float> out) {
  const FeatureShape shape = impl_->config.shape(static_cast<int64_t>(waveform.size()));
  if (static_cast<int64_t>(out.size()) != shape.size()) {
    fail("features", "{} values of room for features of {} x {} x {}", out.size(), shape.channels,
         shape.mel_bins, shape.frames);
  }
  // Not-a-number is beyond the limit as well.
  const auto bad = std::find_if_not(waveform.begin(), waveform.end(),
                                    [](float x) { return std::abs(x) <= kLoudestSample; });
  if (bad != waveform.end()) {
    fail("features", "sample {} is {}; features need finite samples within +-{}",
         bad - waveform.begin(), *bad, kLoudestSample);
  }
  impl_->prepare(shape.frames);
  impl_->stft.magnitude(waveform, impl_->magnitude);
  if (impl_->config.kind == FeatureKind::hps) {
    impl_->hps_blocks(shape, out.data());
  } else {
    impl_->mel_blocks(shape, out.data());
  }
}

}  // namespace cocola
