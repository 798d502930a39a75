#include "features/feature_config.h"

#include "base/digest.h"
#include "base/error.h"
#include "features/feature_settings.h"

namespace cocola {

void FeatureConfig::validate() const {
  require_range<int64_t>("features.sample_rate_hz", sample_rate_hz, 1000, 96000);
  require_range<int64_t>("features.fft_size", fft_size, 64, 8192);
  if (fft_size % 2 != 0) fail_usage("features.fft_size", "{} is not even", fft_size);
  require_range<int64_t>("features.taper_samples", taper_samples, 1, fft_size);
  require_range<int64_t>("features.hop_samples", hop_samples, 1, fft_size);
  require_range<int64_t>("features.mel_bins", mel_bins, 1, 512);
  require_range("features.min_hz", min_hz, 0.0, max_hz);
  require_range("features.max_hz", max_hz, min_hz, static_cast<double>(sample_rate_hz) / 2);
  if (min_hz == max_hz) {
    fail_usage("features.max_hz", "{} equals features.min_hz; they must differ", max_hz);
  }
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
