#include "batches/batch_loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <utility>

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
       const LoaderConfig& loader_config)
      : sampler(order),
        rank(this_rank),
        world_size(ranks),
        next_step(first),
        last_step(last),
        config(loader_config) {}

  void work(const std::function<std::unique_ptr<BatchMaker>()>& make_maker);
  bool take_pair(BatchMaker& maker, std::shared_ptr<Slot>& slot, int64_t& pair);
  std::shared_ptr<Slot> open_slot(BatchMaker& maker);
  void close(std::exception_ptr error);
  bool is_ready() const;
  bool first_is_complete() const;
  Batch take_first();

  const Sampler sampler;
  const int64_t rank, world_size;
  int64_t next_step;
  const int64_t last_step;
  const LoaderConfig config;

  std::mutex mutex;
  std::condition_variable room, filled;
  std::deque<std::shared_ptr<Slot>> slots;  // in order of step; the front is the next to deliver
  bool closing = false;
  std::exception_ptr failure;
  int64_t num_pairs_filled = 0;  // of all slots so far
  double waited = 0.0;
};

std::shared_ptr<BatchLoader::Impl::Slot> BatchLoader::Impl::open_slot(BatchMaker& maker) {
  auto slot = std::make_shared<Slot>();
  Batch& batch = slot->batch;
  batch.step = next_step++;
  batch.epoch = sampler.epoch_of(batch.step);
  batch.window_ids = sampler.windows_of(batch.step, rank, world_size);
  maker.lay_out(batch);
  slots.push_back(slot);
  return slot;
}

// False when the loader closes or every pair up to the last step is handed out.
bool BatchLoader::Impl::take_pair(BatchMaker& maker, std::shared_ptr<Slot>& slot, int64_t& pair) {
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
      slot = open_slot(maker);
    } else {
      room.wait(lock);
      continue;
    }
    pair = slot->next_pair++;
    return true;
  }
}

// Workers return before their next pair. error: the reason, if there is one.
void BatchLoader::Impl::close(std::exception_ptr error) {
  const std::lock_guard lock(mutex);
  if (!failure) failure = std::move(error);
  closing = true;
  filled.notify_all();
  room.notify_all();
}

// With a batch, or with the news that there will be none. Requires: the lock.
bool BatchLoader::Impl::is_ready() const {
  if (failure) return true;
  return slots.empty() ? next_step >= last_step : first_is_complete();
}

// Requires: the lock, and a slot.
bool BatchLoader::Impl::first_is_complete() const {
  const Slot& first = *slots.front();
  return first.num_filled == static_cast<int64_t>(first.batch.window_ids.size());
}

// Requires: as above.
Batch BatchLoader::Impl::take_first() {
  Batch batch = std::move(slots.front()->batch);
  slots.pop_front();
  room.notify_all();
  return batch;
}

void BatchLoader::Impl::work(const std::function<std::unique_ptr<BatchMaker>()>& make_maker) {
  try {
    const std::unique_ptr<BatchMaker> maker = make_maker();
    std::shared_ptr<Slot> slot;
    int64_t pair = 0;
    while (take_pair(*maker, slot, pair)) {
      maker->make_pair(slot->batch, pair);
      const std::lock_guard lock(mutex);
      ++slot->num_filled;
      ++num_pairs_filled;
      filled.notify_one();
    }
  } catch (...) {
    close(std::current_exception());
  }
}

BatchLoader::BatchLoader(const Sampler& sampler, int64_t rank, int64_t world_size,
                         int64_t first_step, int64_t last_step, const LoaderConfig& config,
                         std::function<std::unique_ptr<BatchMaker>()> make_maker) {
  sampler.validate();
  config.validate();
  impl_ = std::make_shared<Impl>(sampler, rank, world_size, first_step, last_step, config);
  try {
    crew_.start(config.num_threads > 0 ? config.num_threads : available_cores(),
                [impl = impl_, make_maker] { impl->work(make_maker); });
  } catch (...) {
    impl_->close(nullptr);
    throw;
  }
}

BatchLoader::~BatchLoader() { impl_->close(nullptr); }

bool BatchLoader::wait(double timeout_seconds, const std::function<bool()>& interrupted) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kBetweenQuestions{100};
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const auto start = Clock::now();
  std::unique_lock lock(impl_->mutex);
  int64_t num_pairs = impl_->num_pairs_filled;
  auto last_news = start;
  while (!impl_->filled.wait_for(lock, kBetweenQuestions, [this] { return impl_->is_ready(); })) {
    if (interrupted()) return false;
    if (std::exchange(num_pairs, impl_->num_pairs_filled) != impl_->num_pairs_filled) {
      last_news = Clock::now();
    } else if (seconds_since(last_news) > timeout_seconds) {
      fail("loader",
           "no pair was read within {:g} s; the file system of the shards does not answer, or the "
           "features of one pair take longer",
           timeout_seconds);
    }
  }
  impl_->waited += seconds_since(start);
  if (impl_->failure) std::rethrow_exception(impl_->failure);
  return true;
}

std::optional<Batch> BatchLoader::next_if_complete() {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->slots.empty() || !impl_->first_is_complete()) return std::nullopt;
  return impl_->take_first();
}

Batch BatchLoader::next(double timeout_seconds) {
  wait(timeout_seconds, [] { return false; });
  const std::lock_guard lock(impl_->mutex);
  if (impl_->slots.empty()) {
    fail("loader", "asked for a batch after the last step {}", impl_->last_step);
  }
  return impl_->take_first();
}

double BatchLoader::waited_seconds() const { return impl_->waited; }

}  // namespace cocola
