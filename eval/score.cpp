#include "eval/score.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/matmul.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "eval/window_features.h"

namespace cocola {
namespace {

// Hides one channel (0 harmonic, 1 percussive) of a copy.
at::Tensor with_hidden(const at::Tensor& features, ChannelMask mask, double masked_db) {
  if (mask == ChannelMask::none) return features;
  at::Tensor copy = features.clone();
  copy.select(1, mask == ChannelMask::harmonic ? 0 : 1).fill_(masked_db);
  return copy;
}

ScoreStatistics statistics_of(const std::vector<at::Tensor>& parts) {
  const at::Tensor all = at::cat(parts);
  if (!at::isfinite(all).all().item<bool>()) {
    fail("score", "a window's score is not finite; look for damage in the model or the recordings");
  }
  return {all.mean().item<double>(), all.numel() > 1 ? all.std().item<double>() : 0.0};
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

PairScore score_pair(const TrainedModel& model, const Waveform& a, const Waveform& b, double hop,
                     int64_t windows_per_call) {
  FeatureExtractor extractor(model.features);
  const int64_t length = model.window_samples();
  const auto shared = static_cast<int64_t>(std::min(a.samples.size(), b.samples.size()));

  PairScore result;
  std::vector<std::vector<float>> windows_a, windows_b;
  std::vector<at::Tensor> both, harmonic, percussive;
  const auto score_pending = [&] {
    if (windows_a.empty()) return;
    const at::Tensor fa = features_of(extractor, windows_a), fb = features_of(extractor, windows_b);
    both.push_back(score_features(model, fa, fb, ChannelMask::none));
    if (model.card.in_channels == 2) {
      harmonic.push_back(score_features(model, fa, fb, ChannelMask::percussive));
      percussive.push_back(score_features(model, fa, fb, ChannelMask::harmonic));
    }
    windows_a.clear();
    windows_b.clear();
  };
  for (const int64_t start : score_windows(shared, length, hop)) {
    const int64_t count = std::min(length, shared - start);
    std::vector<float> wa = excerpt(a, start, count, length), wb = excerpt(b, start, count, length);
    if (is_silent(wa) || is_silent(wb)) {
      ++result.num_silent_windows;
      continue;
    }
    ++result.num_windows;
    windows_a.push_back(std::move(wa));
    windows_b.push_back(std::move(wb));
    if (static_cast<int64_t>(windows_a.size()) == windows_per_call) score_pending();
  }
  score_pending();
  if (!both.empty()) result.both = statistics_of(both);
  if (!harmonic.empty()) result.harmonic = statistics_of(harmonic);
  if (!percussive.empty()) result.percussive = statistics_of(percussive);
  return result;
}

}  // namespace cocola
