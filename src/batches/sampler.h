// Which windows a step trains on: a pure function of seed and position, the same on every world
// size.
#pragma once
#include <cstdint>
#include <vector>

namespace cocola {

// The image of `position` under a keyed permutation of 0 .. n-1 (8-round Feistel network with cycle
// walking).
//
// Range:  n in [1, 2^32), position in [0, n).
// Random: decided by (seed, epoch). O(1): nothing is stored.
// Law:    a bijection for every n.
int64_t permuted_index(int64_t position, int64_t n, uint64_t seed, int64_t epoch);

// The order of training. An epoch has floor(num_windows / pairs_per_step) steps; the rest is left
// out, because a step across two epochs could hold a window twice.
struct Sampler {
  int64_t num_windows = 0;
  int64_t pairs_per_step = 0;  // over the whole world
  uint64_t seed = 0;

  // Throws: Error when pairs_per_step exceeds num_windows.
  void validate() const;
  int64_t steps_per_epoch() const { return num_windows / pairs_per_step; }
  int64_t epoch_of(int64_t step) const { return step / steps_per_epoch(); }
  // The windows of rank `rank` in global step `step`: its contiguous slice of the step's pairs.
  // Requires: world_size divides pairs_per_step.
  std::vector<int64_t> windows_of(int64_t step, int64_t rank, int64_t world_size) const;
};

}  // namespace cocola
