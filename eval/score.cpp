#include "eval/score.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "base/error.h"
#include "eval/accuracy_batches.h"

namespace cocola {
namespace {

// Hides one channel (0 harmonic, 1 percussive) of a copy.
at::Tensor with_hidden(const at::Tensor& features, ChannelMask mask, double masked_db) {
  if (mask == ChannelMask::none) return features;
  at::Tensor copy = features.clone();
  copy.select(1, mask == ChannelMask::harmonic ? 0 : 1).fill_(masked_db);
  return copy;
}

using ModeScore = std::optional<double> WindowScore::*;

std::optional<ScoreStatistics> statistics_of(const std::vector<WindowScore>& curve,
                                             ModeScore mode) {
  std::vector<double> scores;
  for (const WindowScore& window : curve) {
    if (window.*mode) scores.push_back(*(window.*mode));
  }
  if (scores.empty()) return std::nullopt;
  const Spread spread = spread_of(scores);
  return ScoreStatistics{spread.mean, spread.standard_deviation};
}

// Rows of two recordings that belong together, and the window of the curve that gets their score.
struct SharedRows {
  std::vector<size_t> windows;
  std::vector<int64_t> a, b;
};

void add_mode(const TrainedModel& model, const at::Tensor& a, const at::Tensor& b,
              const SharedRows& rows, ModeScore mode, std::vector<WindowScore>& curve) {
  const auto pick = [](const at::Tensor& embeddings, const std::vector<int64_t>& indices) {
    return embeddings.index_select(0, at::tensor(indices, at::kLong));
  };
  const at::Tensor scores = score_embeddings(model, pick(a, rows.a), pick(b, rows.b)).contiguous();
  const double* const values = scores.const_data_ptr<double>();
  for (size_t i = 0; i < rows.windows.size(); ++i) {
    if (!std::isfinite(values[i])) {
      fail("score",
           "the score of the window at {} s is not finite; look for damage in the model "
           "or the recordings",
           curve[rows.windows[i]].start_seconds);
    }
    curve[rows.windows[i]].*mode = values[i];
  }
}

size_t place_of(const std::vector<WindowPlace>& windows, const WindowPlace& window) {
  const auto found = std::lower_bound(windows.begin(), windows.end(), window);
  if (found == windows.end() || *found != window) {
    throw std::logic_error("a window to score was not embedded");
  }
  return static_cast<size_t>(found - windows.begin());
}

}  // namespace

at::Tensor embed_features(const LoadedModel& loaded, const at::Tensor& features,
                          ChannelMask hidden) {
  const at::NoGradGuard no_grad;
  return loaded.model->embed(with_hidden(features, hidden, loaded.card.masked_db), EncoderCall{});
}

at::Tensor weighted_embeddings(const LoadedModel& loaded, const at::Tensor& a) {
  const at::NoGradGuard no_grad;
  const at::Tensor w = loaded.model->bilinear_weight();
  return w.defined() ? at::matmul(a, w) : a;
}

at::Tensor score_weighted(const at::Tensor& weighted, const at::Tensor& b) {
  return (weighted * b).sum(1).to(at::kDouble);
}

at::Tensor score_embeddings(const LoadedModel& loaded, const at::Tensor& a, const at::Tensor& b) {
  return score_weighted(weighted_embeddings(loaded, a), b);
}

std::vector<ScoreMode> score_modes(const LoadedModel& loaded) {
  std::vector<ScoreMode> modes = {{"both", ChannelMask::none}};
  if (loaded.card.in_channels == 2) {
    modes.push_back({"harmonic", ChannelMask::percussive});
    modes.push_back({"percussive", ChannelMask::harmonic});
  }
  return modes;
}

at::Tensor embed_in_calls(const LoadedModel& loaded, const at::Tensor& features,
                          ChannelMask hidden) {
  const int64_t n = features.size(0), num_calls = (n + kRowsPerCall - 1) / kRowsPerCall;
  const at::Tensor embeddings = at::empty({n, loaded.card.model.embedding_size}, at::kFloat);
  share_work(num_calls, [&](int64_t, int64_t call) {
    const at::NoGradGuard no_grad;  // each thread has its own
    const int64_t first = call * kRowsPerCall, count = std::min(kRowsPerCall, n - first);
    embeddings.narrow(0, first, count)
        .copy_(embed_features(loaded, features.narrow(0, first, count), hidden));
  });
  return embeddings;
}

void share_work(int64_t count, const std::function<void(int64_t thread, int64_t item)>& work) {
  const int64_t num_threads = std::min<int64_t>(at::get_num_threads(), count);
  const OperationThreads one_thread(1);
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&](int64_t thread) {
    try {
      for (int64_t item = next++; item < count; item = next++) work(thread, item);
    } catch (...) {
      next = count;  // the others stop early
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (int64_t thread = 1; thread < num_threads; ++thread) {
      others.emplace_back([&run, thread] {
        at::set_num_threads(1);
        run(thread);
      });
    }
    run(0);
  }
  if (failure) std::rethrow_exception(failure);
}

OperationThreads::OperationThreads(int num_threads) : before_(at::get_num_threads()) {
  at::set_num_threads(num_threads);
}

OperationThreads::~OperationThreads() { at::set_num_threads(before_); }

at::Tensor score_features(const LoadedModel& loaded, const at::Tensor& a, const at::Tensor& b,
                          ChannelMask hidden) {
  return score_embeddings(loaded, embed_features(loaded, a, hidden),
                          embed_features(loaded, b, hidden));
}

PairScore summarise_curve(std::vector<WindowScore> curve) {
  PairScore result;
  result.both = statistics_of(curve, &WindowScore::both);
  result.harmonic = statistics_of(curve, &WindowScore::harmonic);
  result.percussive = statistics_of(curve, &WindowScore::percussive);
  result.num_windows =
      std::ranges::count_if(curve, [](const WindowScore& w) { return w.both.has_value(); });
  result.num_silent_windows = std::ssize(curve) - result.num_windows;
  result.curve = std::move(curve);
  return result;
}

RecordingEmbeddings embed_windows(const TrainedModel& model, const Waveform& recording,
                                  std::vector<WindowPlace> windows, int64_t windows_per_call) {
  FeatureExtractor extractor(model.features);
  RecordingEmbeddings result;
  std::ranges::sort(windows);
  windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
  result.windows = std::move(windows);

  std::vector<std::vector<float>> pending;
  std::vector<at::Tensor> both, harmonic, percussive;
  const auto embed_pending = [&] {
    if (pending.empty()) return;
    const at::Tensor features = features_of(extractor, pending);
    both.push_back(embed_features(model, features, ChannelMask::none));
    if (model.card.in_channels == 2) {
      harmonic.push_back(embed_features(model, features, ChannelMask::percussive));
      percussive.push_back(embed_features(model, features, ChannelMask::harmonic));
    }
    pending.clear();
  };
  int64_t num_rows = 0;
  for (const WindowPlace& window : result.windows) {
    std::vector<float> samples =
        excerpt(recording, window.start, window.count, model.window_samples());
    const bool silent = is_silent(samples);
    result.row.push_back(silent ? std::nullopt : std::optional(num_rows++));
    if (silent) continue;
    pending.push_back(std::move(samples));
    if (std::ssize(pending) == windows_per_call) embed_pending();
  }
  embed_pending();
  if (!both.empty()) result.both = at::cat(both);
  if (!harmonic.empty()) result.harmonic = at::cat(harmonic);
  if (!percussive.empty()) result.percussive = at::cat(percussive);
  return result;
}

PairScore score_embedded(const TrainedModel& model, const RecordingEmbeddings& a,
                         const RecordingEmbeddings& b, const std::vector<WindowPlace>& windows) {
  const auto rate = static_cast<double>(model.card.sample_rate_hz);
  std::vector<WindowScore> curve(windows.size());
  SharedRows rows;
  for (size_t i = 0; i < windows.size(); ++i) {
    curve[i].start_seconds = static_cast<double>(windows[i].start) / rate;
    const auto row_a = a.row[place_of(a.windows, windows[i])];
    const auto row_b = b.row[place_of(b.windows, windows[i])];
    if (!row_a || !row_b) continue;
    rows.windows.push_back(i);
    rows.a.push_back(*row_a);
    rows.b.push_back(*row_b);
  }
  if (!rows.windows.empty()) {
    add_mode(model, a.both, b.both, rows, &WindowScore::both, curve);
    if (model.card.in_channels == 2) {
      add_mode(model, a.harmonic, b.harmonic, rows, &WindowScore::harmonic, curve);
      add_mode(model, a.percussive, b.percussive, rows, &WindowScore::percussive, curve);
    }
  }
  return summarise_curve(std::move(curve));
}

PairScore score_pair(const TrainedModel& model, const Waveform& a, const Waveform& b, double hop,
                     int64_t windows_per_call) {
  const std::vector<WindowPlace> windows =
      shared_windows(std::ssize(a.samples), std::ssize(b.samples), model.window_samples(), hop);
  return score_embedded(model, embed_windows(model, a, windows, windows_per_call),
                        embed_windows(model, b, windows, windows_per_call), windows);
}

}  // namespace cocola
