#include "features/feature_config.h"

#include "base/digest.h"
#include "base/error.h"
#include "features/feature_settings.h"

namespace cocola {
namespace {

void require_range(const char* key, double value, double low, double high) {
  if (value >= low && value <= high) return;
  fail_usage("features", "features.{} is {}; allowed range [{}, {}]", key, value, low, high);
}

}  // namespace

void FeatureConfig::validate() const {
  require_range("sample_rate_hz", static_cast<double>(sample_rate_hz), 1000, 96000);
  require_range("fft_size", static_cast<double>(fft_size), 64, 8192);
  if (fft_size % 2 != 0)
    fail_usage("features", "features.fft_size is {}; it must be even", fft_size);
  const auto points = static_cast<double>(fft_size);
  require_range("taper_samples", static_cast<double>(taper_samples), 1, points);
  require_range("hop_samples", static_cast<double>(hop_samples), 1, points);
  require_range("mel_bins", static_cast<double>(mel_bins), 1, 512);
  require_range("min_hz", min_hz, 0, max_hz);
  require_range("max_hz", max_hz, min_hz, static_cast<double>(sample_rate_hz) / 2);
  if (min_hz == max_hz)
    fail_usage("features", "features.min_hz and max_hz are both {}; they must differ", min_hz);
}

FeatureShape FeatureConfig::shape(int64_t num_samples) const {
  return {channels(), mel_bins, 1 + num_samples / hop_samples};
}

std::string FeatureConfig::description() const {
  return fmt::format("{}-v1 rate={} fft={} taper={} hop={} mel={} hz={:.17g}..{:.17g}",
                     to_string(kind), sample_rate_hz, fft_size, taper_samples, hop_samples,
                     mel_bins, min_hz, max_hz);
}

std::string FeatureConfig::fingerprint() const { return digest_of(description()).substr(0, 16); }

}  // namespace cocola
