#include "batches/pair_reader.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>

#include "base/error.h"
#include "batches/crew.h"

namespace cocola {
namespace {

// One call of read(), shared with the threads that serve it.
struct Reading {
  std::optional<PairMasks> masks;
  FeatureShape shape;
  Batch batch;
  std::function<std::unique_ptr<PairSource>()> make_source;  // keeps alive what sources use

  std::mutex mutex;
  std::condition_variable news;
  int64_t next_pair = 0, num_filled = 0, num_sources_taken = 0;
  std::exception_ptr failure;

  int64_t size() const { return static_cast<int64_t>(batch.window_ids.size()); }

  void fill(PairSource& source, int64_t pair) const {
    const int64_t window = batch.window_ids[static_cast<size_t>(pair)];
    const auto row = [&](const at::Tensor& all) {
      return std::span(all.data_ptr<float>() + pair * shape.size(),
                       static_cast<size_t>(shape.size()));
    };
    source.make_pair(window, batch.epoch, row(batch.anchors), row(batch.positives));
    if (!masks) return;
    mask_channels(masks->augment, masks->seed, batch.epoch, window, shape, row(batch.anchors),
                  row(batch.positives));
  }

  void work(const std::vector<std::shared_ptr<PairSource>>& sources) {
    std::unique_lock lock(mutex);
    const std::shared_ptr<PairSource> source = sources[static_cast<size_t>(num_sources_taken++)];
    while (next_pair < size()) {
      const int64_t pair = next_pair++;
      lock.unlock();
      std::exception_ptr problem;
      try {
        fill(*source, pair);
      } catch (...) {
        problem = std::current_exception();
      }
      lock.lock();
      ++num_filled;
      if (problem) next_pair = size();  // the others stop early
      if (problem && !failure) failure = problem;
      news.notify_all();
    }
  }
};

}  // namespace

PairReader::PairReader(const FeatureShape& shape, int64_t num_threads,
                       const std::function<std::unique_ptr<PairSource>()>& make_source,
                       double timeout_seconds)
    : shape_(shape), make_source_(make_source), timeout_seconds_(timeout_seconds) {
  for (int64_t i = 0; i < num_threads; ++i) sources_.push_back(make_source());
}

void PairReader::draw_masks(const AugmentConfig& augment, uint64_t seed) {
  masks_ = {augment, seed};
}

Batch PairReader::read(std::span<const int64_t> window_ids, int64_t epoch) {
  const auto n = static_cast<int64_t>(window_ids.size());
  const auto reading = std::make_shared<Reading>();
  reading->masks = masks_;
  reading->shape = shape_;
  reading->make_source = make_source_;
  reading->batch.anchors =
      at::empty({n, shape_.channels, shape_.mel_bins, shape_.frames}, at::kFloat);
  reading->batch.positives = at::empty_like(reading->batch.anchors);
  reading->batch.window_ids.assign(window_ids.begin(), window_ids.end());
  reading->batch.epoch = epoch;

  Crew crew;
  crew.start(static_cast<int64_t>(sources_.size()),
             [reading, sources = sources_] { reading->work(sources); });
  std::unique_lock lock(reading->mutex);
  for (int64_t seen = 0; !reading->failure && seen < n; seen = reading->num_filled) {
    const bool progress =
        reading->news.wait_for(lock, std::chrono::duration<double>(timeout_seconds_),
                               [&] { return reading->failure || reading->num_filled > seen; });
    if (!progress) {
      reading->next_pair = n;
      fail("pair_reader",
           "no pair was read within {:g} s; the file system of the shards does not "
           "answer, or the features of one pair take longer",
           timeout_seconds_);
    }
  }
  if (reading->failure) std::rethrow_exception(reading->failure);
  return std::move(reading->batch);
}

}  // namespace cocola
