#include "eval/score.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "batches/augment.h"
#include "features/feature_extractor.h"
#include "features/feature_settings.h"

namespace cocola {
namespace {

constexpr double kSilentDbfs = -60.0;
constexpr int64_t kWindowsPerCall = 16;

// The samples of one window, zeros beyond the end.
std::vector<float> excerpt(const Waveform& waveform, int64_t start, int64_t length) {
  std::vector<float> window(static_cast<size_t>(length), 0.0f);
  const auto total = static_cast<int64_t>(waveform.samples.size());
  const int64_t count = std::clamp<int64_t>(total - start, 0, length);
  std::copy_n(waveform.samples.begin() + std::min(start, total), count, window.begin());
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

// Hides one channel (0 harmonic, 1 percussive) of a copy.
at::Tensor hidden(const at::Tensor& features, ChannelMask mask, double masked_db) {
  if (mask == ChannelMask::none) return features;
  at::Tensor copy = features.clone();
  copy.select(1, mask == ChannelMask::harmonic ? 0 : 1).fill_(masked_db);
  return copy;
}

at::Tensor scores_of(const CocolaModel& model, const at::Tensor& a, const at::Tensor& b) {
  const auto embed = [&](const at::Tensor& features) {
    return model.embed(features, EncoderCall{});
  };
  const at::Tensor w = model.bilinear_weight();
  const at::Tensor left = w.defined() ? at::matmul(embed(a), w) : embed(a);
  return (left * embed(b)).sum(1).to(at::kDouble);
}

ScoreStatistics statistics_of(const std::vector<at::Tensor>& parts) {
  const at::Tensor all = at::cat(parts);
  return {all.mean().item<double>(), all.numel() > 1 ? all.std().item<double>() : 0.0};
}

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

PairScore score_pair(const LoadedModel& loaded, const Waveform& a, const Waveform& b, double hop) {
  const at::NoGradGuard no_grad;
  FeatureExtractor extractor(
      feature_settings_from_json(loaded.card.feature_settings, "model file"));
  const auto length = static_cast<int64_t>(
      std::llround(loaded.card.window_seconds * static_cast<double>(loaded.card.sample_rate_hz)));
  const auto shared = static_cast<int64_t>(std::min(a.samples.size(), b.samples.size()));

  PairScore result;
  std::vector<std::vector<float>> windows_a, windows_b;
  const bool has_channels = loaded.card.in_channels == 2;
  std::vector<at::Tensor> both, harmonic, percussive;
  const auto score_pending = [&] {
    if (windows_a.empty()) return;
    const at::Tensor fa = features_of(extractor, windows_a), fb = features_of(extractor, windows_b);
    const auto scored = [&](ChannelMask mask) {
      return scores_of(*loaded.model, hidden(fa, mask, loaded.card.masked_db),
                       hidden(fb, mask, loaded.card.masked_db));
    };
    both.push_back(scored(ChannelMask::none));
    if (has_channels) {
      harmonic.push_back(scored(ChannelMask::percussive));
      percussive.push_back(scored(ChannelMask::harmonic));
    }
    windows_a.clear();
    windows_b.clear();
  };
  for (const int64_t start : score_windows(shared, length, hop)) {
    std::vector<float> wa = excerpt(a, start, length), wb = excerpt(b, start, length);
    if (is_silent(wa) || is_silent(wb)) {
      ++result.num_silent_windows;
      continue;
    }
    ++result.num_windows;
    windows_a.push_back(std::move(wa));
    windows_b.push_back(std::move(wb));
    if (static_cast<int64_t>(windows_a.size()) == kWindowsPerCall) score_pending();
  }
  score_pending();
  if (!both.empty()) result.both = statistics_of(both);
  if (!harmonic.empty()) result.harmonic = statistics_of(harmonic);
  if (!percussive.empty()) result.percussive = statistics_of(percussive);
  return result;
}

}  // namespace cocola
