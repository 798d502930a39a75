#include "features/mel.h"

#include <algorithm>
#include <cmath>

namespace cocola {
namespace {

// Slaney's scale: linear to 1 kHz (15 mel), then 27 steps for a factor of 6.4.
constexpr double kSlaneyBreakHz = 1000.0;
constexpr double kSlaneyBreakMel = 15.0;
const double kSlaneyLogStep = std::log(6.4) / 27.0;

double to_mel(MelScale scale, double hz) {
  if (scale == MelScale::htk_peak) return 2595.0 * std::log10(1.0 + hz / 700.0);
  if (hz < kSlaneyBreakHz) return 3.0 * hz / 200.0;
  return kSlaneyBreakMel + std::log(hz / kSlaneyBreakHz) / kSlaneyLogStep;
}

double to_hz(MelScale scale, double mel) {
  if (scale == MelScale::htk_peak) return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0);
  if (mel < kSlaneyBreakMel) return 200.0 * mel / 3.0;
  return kSlaneyBreakHz * std::exp(kSlaneyLogStep * (mel - kSlaneyBreakMel));
}

}  // namespace

std::vector<MelBand> mel_bands(MelScale scale, int64_t num_bands, int64_t fft_size,
                               int64_t sample_rate_hz, double min_hz, double max_hz) {
  const double low = to_mel(scale, min_hz), high = to_mel(scale, max_hz);
  const auto edge = [&](int64_t i) {
    return to_hz(scale,
                 low + (high - low) * static_cast<double>(i) / static_cast<double>(num_bands + 1));
  };
  const int64_t num_bins = fft_size / 2 + 1;
  std::vector<MelBand> bands(static_cast<size_t>(num_bands));
  for (int64_t b = 0; b < num_bands; ++b) {
    MelBand& band = bands[static_cast<size_t>(b)];
    const double left = edge(b), centre = edge(b + 1), right = edge(b + 2);
    const double height = scale == MelScale::slaney_area ? 2.0 / (right - left) : 1.0;
    for (int64_t k = 0; k < num_bins; ++k) {
      const double hz = static_cast<double>(k * sample_rate_hz) / static_cast<double>(fft_size);
      const double weight =
          height * std::min((hz - left) / (centre - left), (right - hz) / (right - centre));
      if (weight <= 0.0) continue;
      if (band.weights.empty()) band.first_bin = k;
      band.weights.push_back(static_cast<float>(weight));
    }
  }
  return bands;
}

std::vector<MelBand> mel_bands(const FeatureConfig& config) {
  return mel_bands(config.kind == FeatureKind::hps ? MelScale::slaney_area : MelScale::htk_peak,
                   config.mel_bins, config.fft_size, config.sample_rate_hz, config.min_hz,
                   config.max_hz);
}

}  // namespace cocola
