// Prepares batches ahead of the trainer on threads of its own.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "batches/augment.h"
#include "batches/batch.h"
#include "batches/crew.h"
#include "batches/pair_source.h"
#include "batches/sampler.h"

namespace cocola {

struct LoaderConfig {
  // Threads that make pairs; 0 chooses one per core of the process, at least one. Range [0, 256].
  int64_t num_threads = 0;
  // Batches prepared ahead of the trainer. Range [1, 64].
  int64_t read_ahead = 3;

  void validate() const;
  bool operator==(const LoaderConfig&) const = default;
};

// What the views of a batch are, and where they lie.
struct BatchRoom {
  BatchRoom(const FeatureShape& shape) : features(shape) {}  // features, in ordinary memory
  FeatureShape features;
  // Views are waveforms of so many samples when not 0: features and masks are left to others.
  int64_t num_samples = 0;
  // In page-locked memory, from which a GPU copies while the program goes on. Allocated once, as
  // LibTorch keeps what is dropped, and taken again only after the copy. Needs a GPU.
  bool pinned = false;

  std::vector<int64_t> sizes_of_view() const;
};

// Delivers the batches of one rank in the order of the sampler, starting at any step.
//
// Random: batches are decided by (sampler, rank, world_size, step) alone, whatever the number of
//         threads.
// Throws: wait() and next() rethrow the first error of a worker, and throw Error when no worker
//         finished a pair for too long: the file system of the shards hangs.
class BatchLoader {
 public:
  // make_source is called once on each worker thread and keeps alive what its sources use: a worker
  // that is stuck in a read is left behind. Of `augment` only the masks are applied here, noise is
  // the source's. last_step is exclusive. make_source's views are those of `room`.
  BatchLoader(const Sampler& sampler, int64_t rank, int64_t world_size, int64_t first_step,
              int64_t last_step, const BatchRoom& room, const AugmentConfig& augment,
              const LoaderConfig& config, std::function<std::unique_ptr<PairSource>()> make_source);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // Waits until next() would not. False when `interrupted`, asked several times a second, is true
  // first. timeout_seconds: the longest time in which no pair is finished.
  bool wait(double timeout_seconds, const std::function<bool()>& interrupted);
  // Whether next() would return a batch at once.
  bool has_next() const;
  // The next batch, waited for. The batch owns its memory.
  Batch next(double timeout_seconds = kPairSeconds);
  // Seconds spent waiting since the loader was made.
  double waited_seconds() const;

  static constexpr double kPairSeconds = 120.0;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // also held by the workers
  Crew crew_;
};

}  // namespace cocola
