#include "eval/spectrogram.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "eval/png.h"
#include "features/feature_extractor.h"

namespace cocola {
namespace {

constexpr float kRangeDb = 80.0f;

// From black over violet and orange to pale yellow; lightness rises evenly, also in grey.
constexpr Palette kShades = {{{0, 0, 4},
                              {11, 9, 36},
                              {32, 17, 75},
                              {59, 15, 112},
                              {87, 21, 126},
                              {114, 31, 129},
                              {140, 41, 129},
                              {168, 50, 125},
                              {196, 60, 117},
                              {222, 73, 104},
                              {241, 96, 93},
                              {250, 127, 94},
                              {254, 159, 109},
                              {254, 191, 132},
                              {253, 222, 160},
                              {252, 253, 191}}};

// channel [M, F] in dB; constant ones, as of silence, are all dark.
std::string picture_of(std::span<const float> channel, int64_t bands, int64_t frames) {
  const int64_t columns = std::min(kMostColumns, frames);
  const auto [low, high] = std::ranges::minmax(channel);
  const float floor = high > low ? high - kRangeDb : high;
  std::vector<uint8_t> shades;
  for (int64_t band = bands - 1; band >= 0; --band) {
    const auto row =
        channel.subspan(static_cast<size_t>(band * frames), static_cast<size_t>(frames));
    for (int64_t column = 0; column < columns; ++column) {
      const auto first = static_cast<size_t>(column * frames / columns);
      const auto end = static_cast<size_t>((column + 1) * frames / columns);
      const float loudest = std::ranges::max(row.subspan(first, end - first));
      const float share = std::clamp((loudest - floor) / kRangeDb, 0.0f, 1.0f);
      shades.push_back(static_cast<uint8_t>(std::lround(share * (kNumShades - 1))));
    }
  }
  return indexed_png(shades, columns, bands, kShades);
}

void append_rows(const std::string& name, std::span<const float> samples,
                 FeatureExtractor& extractor, std::vector<SpectrogramRow>& rows) {
  // Shorter waveforms than one Fourier transform are padded.
  std::vector<float> padded(samples.begin(), samples.end());
  padded.resize(std::max(padded.size(), static_cast<size_t>(extractor.config().fft_size)));
  const FeatureShape shape = extractor.config().shape(static_cast<int64_t>(padded.size()));
  std::vector<float> features(static_cast<size_t>(shape.size()));
  extractor.extract(padded, features);
  const auto size = static_cast<size_t>(shape.mel_bins * shape.frames);
  for (int64_t c = 0; c < shape.channels; ++c) {
    const char* const channel = shape.channels == 1 ? "" : c == 0 ? ", harmonic" : ", percussive";
    const auto values = std::span(features).subspan(static_cast<size_t>(c) * size, size);
    rows.push_back({name + channel, picture_of(values, shape.mel_bins, shape.frames)});
  }
}

}  // namespace

PairSpectrograms draw_spectrograms(const Waveform& a, const Waveform& b,
                                   const FeatureConfig& features) {
  const auto rate = static_cast<double>(features.sample_rate_hz);
  const size_t shared = std::min(
      {a.samples.size(), b.samples.size(), static_cast<size_t>(kMostSpectrogramSeconds * rate)});
  PairSpectrograms drawn;
  drawn.seconds =
      std::max(static_cast<double>(shared), static_cast<double>(features.fft_size)) / rate;
  FeatureExtractor extractor(features);
  append_rows("A", std::span(a.samples).first(shared), extractor, drawn.rows);
  append_rows("B", std::span(b.samples).first(shared), extractor, drawn.rows);
  return drawn;
}

}  // namespace cocola
