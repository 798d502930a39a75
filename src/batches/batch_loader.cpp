#include "batches/batch_loader.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/process.h"

namespace cocola {

void LoaderConfig::validate() const {
  require_range<int64_t>("training.loader.num_threads", num_threads, 0, 256);
  require_range<int64_t>("training.loader.read_ahead", read_ahead, 1, 64);
}

struct BatchLoader::Impl {
  // A batch being filled; pairs are handed to workers one at a time, in order of step and place.
  struct Slot {
    Batch batch;
    int64_t next_pair = 0;  // not yet handed out
    int64_t num_filled = 0;
  };

  Impl(const Sampler& order, int64_t this_rank, int64_t ranks, int64_t first, int64_t last,
       const FeatureShape& feature_shape, const AugmentConfig& augmentation,
       const LoaderConfig& loader_config)
      : sampler(order),
        rank(this_rank),
        world_size(ranks),
        next_step(first),
        last_step(last),
        shape(feature_shape),
        augment(augmentation),
        config(loader_config) {}
  ~Impl();

  void work(const std::function<std::unique_ptr<PairSource>()>& make_source);
  bool take_pair(std::shared_ptr<Slot>& slot, int64_t& pair);
  void fill(PairSource& source, Slot& slot, int64_t pair) const;
  std::shared_ptr<Slot> open_slot();
  void fail_with(std::exception_ptr error);

  const Sampler sampler;
  const int64_t rank, world_size;
  int64_t next_step;
  const int64_t last_step;
  const FeatureShape shape;
  const AugmentConfig augment;
  const LoaderConfig config;

  std::mutex mutex;
  std::condition_variable room, filled;
  std::deque<std::shared_ptr<Slot>> slots;  // in order of step; the front is the next to deliver
  bool closing = false;
  std::exception_ptr failure;
  double waited = 0.0;
  std::vector<std::jthread> threads;
};

// Also runs when not all threads could be started.
BatchLoader::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    closing = true;
  }
  room.notify_all();
  threads.clear();  // joins
}

std::shared_ptr<BatchLoader::Impl::Slot> BatchLoader::Impl::open_slot() {
  auto slot = std::make_shared<Slot>();
  Batch& batch = slot->batch;
  batch.step = next_step++;
  batch.epoch = sampler.epoch_of(batch.step);
  batch.window_ids = sampler.windows_of(batch.step, rank, world_size);
  const auto n = static_cast<int64_t>(batch.window_ids.size());
  batch.anchors = at::empty({n, shape.channels, shape.mel_bins, shape.frames}, at::kFloat);
  batch.positives = at::empty_like(batch.anchors);
  slots.push_back(slot);
  return slot;
}

// False when the loader closes or every pair up to the last step is handed out.
bool BatchLoader::Impl::take_pair(std::shared_ptr<Slot>& slot, int64_t& pair) {
  std::unique_lock lock(mutex);
  for (;;) {
    if (closing) return false;
    const auto open = std::find_if(slots.begin(), slots.end(), [](const auto& candidate) {
      return candidate->next_pair < static_cast<int64_t>(candidate->batch.window_ids.size());
    });
    if (open != slots.end()) {
      slot = *open;
    } else if (next_step >= last_step) {
      return false;
    } else if (static_cast<int64_t>(slots.size()) < config.read_ahead) {
      slot = open_slot();
    } else {
      room.wait(lock);
      continue;
    }
    pair = slot->next_pair++;
    return true;
  }
}

void BatchLoader::Impl::fill(PairSource& source, Slot& slot, int64_t pair) const {
  const int64_t window = slot.batch.window_ids[static_cast<size_t>(pair)];
  const auto row = [&](const at::Tensor& all) {
    return std::span(all.data_ptr<float>() + pair * shape.size(),
                     static_cast<size_t>(shape.size()));
  };
  source.make_pair(window, slot.batch.epoch, row(slot.batch.anchors), row(slot.batch.positives));
  if (shape.channels != 2) return;
  const auto [anchor_mask, positive_mask] =
      draw_channel_masks(augment, sampler.seed, slot.batch.epoch, window);
  hide_channel(anchor_mask, row(slot.batch.anchors), shape);
  hide_channel(positive_mask, row(slot.batch.positives), shape);
}

void BatchLoader::Impl::fail_with(std::exception_ptr error) {
  const std::lock_guard lock(mutex);
  if (!failure) failure = std::move(error);
  closing = true;
  filled.notify_all();
  room.notify_all();
}

void BatchLoader::Impl::work(const std::function<std::unique_ptr<PairSource>()>& make_source) {
  try {
    const std::unique_ptr<PairSource> source = make_source();
    std::shared_ptr<Slot> slot;
    int64_t pair = 0;
    while (take_pair(slot, pair)) {
      fill(*source, *slot, pair);
      const std::lock_guard lock(mutex);
      ++slot->num_filled;
      filled.notify_one();
    }
  } catch (...) {
    fail_with(std::current_exception());
  }
}

BatchLoader::BatchLoader(const Sampler& sampler, int64_t rank, int64_t world_size,
                         int64_t first_step, int64_t last_step, const FeatureShape& shape,
                         const AugmentConfig& augment, const LoaderConfig& config,
                         std::function<std::unique_ptr<PairSource>()> make_source) {
  sampler.validate();
  config.validate();
  impl_ = std::make_unique<Impl>(sampler, rank, world_size, first_step, last_step, shape, augment,
                                 config);
  const int64_t num_threads = config.num_threads > 0 ? config.num_threads : available_cores();
  for (int64_t i = 0; i < num_threads; ++i) {
    impl_->threads.emplace_back([impl = impl_.get(), make_source] { impl->work(make_source); });
  }
}

BatchLoader::~BatchLoader() = default;

Batch BatchLoader::next() {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(impl_->mutex);
  const auto complete = [this] {
    return !impl_->slots.empty() &&
           impl_->slots.front()->num_filled ==
               static_cast<int64_t>(impl_->slots.front()->batch.window_ids.size());
  };
  const auto exhausted = [this] {
    return impl_->slots.empty() && impl_->next_step >= impl_->last_step;
  };
  impl_->filled.wait(lock, [&] { return impl_->failure || complete() || exhausted(); });
  if (impl_->failure) std::rethrow_exception(impl_->failure);
  if (exhausted()) fail("loader", "asked for a batch after the last step {}", impl_->last_step);
  Batch batch = std::move(impl_->slots.front()->batch);
  impl_->slots.pop_front();
  impl_->waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  impl_->room.notify_all();
  return batch;
}

double BatchLoader::waited_seconds() const { return impl_->waited; }

}  // namespace cocola
