// Prepares batches ahead of the trainer on threads of its own.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "batches/batch.h"
#include "batches/batch_maker.h"
#include "batches/crew.h"
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

// Delivers the batches of one rank in the order of the sampler, starting at any step.
//
// Random: batches are decided by (sampler, rank, world_size, step) alone, as far as the makers are
//         equal, whatever the number of threads.
// Throws: wait() and next() rethrow the first error of a worker, and throw Error when no worker
//         finished a pair for too long: the file system of the shards hangs.
class BatchLoader {
 public:
  // make_maker is called once on each worker thread and keeps alive what its makers use: a worker
  // that is stuck in a read is left behind. last_step is exclusive.
  BatchLoader(const Sampler& sampler, int64_t rank, int64_t world_size, int64_t first_step,
              int64_t last_step, const LoaderConfig& config,
              std::function<std::unique_ptr<BatchMaker>()> make_maker);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // Waits until next() would not. False when `interrupted`, asked several times a second, is true
  // first. timeout_seconds: the longest time in which no pair is finished.
  bool wait(double timeout_seconds, const std::function<bool()>& interrupted);
  // The next batch if it is complete, whatever became of those behind it.
  std::optional<Batch> next_if_complete();
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
