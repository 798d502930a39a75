#include "eval/window_features.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

namespace cocola {
namespace {

constexpr double kSilentDbfs = -60.0;

}  // namespace

std::vector<int64_t> score_windows(int64_t num_samples, int64_t window_samples, double hop) {
  const auto step = std::max<int64_t>(1, std::llround(hop * static_cast<double>(window_samples)));
  std::vector<int64_t> starts = {0};
  while (starts.back() + step + window_samples <= num_samples)
    starts.push_back(starts.back() + step);
  const int64_t last = num_samples - window_samples;
  if (last > starts.back()) starts.push_back(last);
  return starts;
}

std::vector<WindowPlace> shared_windows(int64_t num_samples_a, int64_t num_samples_b,
                                        int64_t window_samples, double hop) {
  const int64_t shared = std::min(num_samples_a, num_samples_b);
  std::vector<WindowPlace> windows;
  for (const int64_t start : score_windows(shared, window_samples, hop)) {
    windows.push_back({start, std::min(window_samples, shared - start)});
  }
  return windows;
}

std::vector<float> excerpt(const Waveform& waveform, int64_t start, int64_t count, int64_t length) {
  std::vector<float> window(static_cast<size_t>(length), 0.0f);
  std::copy_n(waveform.samples.begin() + start, count, window.begin());
  return window;
}

bool is_silent(const std::vector<float>& window) {
  double power = 0.0;
  for (const float x : window) power += static_cast<double>(x) * static_cast<double>(x);
  power /= static_cast<double>(window.size());
  return 10.0 * std::log10(std::max(power, 1e-30)) <= kSilentDbfs;
}

at::Tensor features_of(FeatureExtractor& extractor,
                       const std::vector<std::vector<float>>& windows) {
  const FeatureShape shape = extractor.config().shape(static_cast<int64_t>(windows.front().size()));
  const at::Tensor all = at::empty(
      {static_cast<int64_t>(windows.size()), shape.channels, shape.mel_bins, shape.frames},
      at::kFloat);
  for (size_t i = 0; i < windows.size(); ++i) {
    extractor.extract(windows[i],
                      std::span(all.data_ptr<float>() + static_cast<int64_t>(i) * shape.size(),
                                static_cast<size_t>(shape.size())));
  }
  return all;
}

}  // namespace cocola
