#include "batches/pair_reader.h"

#include <ATen/Functions.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace cocola {

PairReader::PairReader(const FeatureShape& shape, int64_t num_threads,
                       const std::function<std::unique_ptr<PairSource>()>& make_source)
    : shape_(shape) {
  for (int64_t i = 0; i < num_threads; ++i) sources_.push_back(make_source());
}

Batch PairReader::read(std::span<const int64_t> window_ids, int64_t epoch) {
  const auto n = static_cast<int64_t>(window_ids.size());
  Batch batch;
  batch.anchors = at::empty({n, shape_.channels, shape_.mel_bins, shape_.frames}, at::kFloat);
  batch.positives = at::empty_like(batch.anchors);
  batch.window_ids.assign(window_ids.begin(), window_ids.end());
  batch.epoch = epoch;

  const auto row = [this](const at::Tensor& all, int64_t i) {
    return std::span(all.data_ptr<float>() + i * shape_.size(), static_cast<size_t>(shape_.size()));
  };
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&](PairSource& source) {
    try {
      for (int64_t i = next++; i < n; i = next++) {
        source.make_pair(window_ids[static_cast<size_t>(i)], epoch, row(batch.anchors, i),
                         row(batch.positives, i));
      }
    } catch (...) {
      next = n;  // the others stop early
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (const auto& source : sources_) threads.emplace_back([&work, &source] { work(*source); });
  }
  if (failure) std::rethrow_exception(failure);
  return batch;
}

}  // namespace cocola
