// Prepares batches ahead of the trainer on threads of its own.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "batches/augment.h"
#include "batches/batch.h"
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

// Delivers the batches of one rank in the order of the sampler, starting at any step.
//
// Random: batches are decided by (sampler, rank, world_size, step) alone, whatever the number of
// threads. Throws: next() rethrows the first error of a worker.
class BatchLoader {
 public:
  // make_source is called once on each worker thread; of `augment` only the masks are applied here,
  // noise is the source's. last_step is exclusive. shape: features of
  // one window.
  BatchLoader(const Sampler& sampler, int64_t rank, int64_t world_size, int64_t first_step,
              int64_t last_step, const FeatureShape& shape, const AugmentConfig& augment,
              const LoaderConfig& config, std::function<std::unique_ptr<PairSource>()> make_source);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // Blocks until the next batch is ready. The batch owns its memory.
  Batch next();
  // Seconds next() has waited since the loader was made.
  double waited_seconds() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocola
