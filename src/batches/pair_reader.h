// Pairs of chosen windows, made by several threads: for validation and evaluation.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "batches/batch.h"
#include "batches/pair_source.h"

namespace cocola {

// The epoch whose draws evaluation uses: every evaluation of a window sees the same two sub-mixes.
inline constexpr int64_t kEvaluationEpoch = 0;

// The draws of training: see mask_channels.
struct PairMasks {
  AugmentConfig augment;
  uint64_t seed = 0;
};

// One thread calls read(); it works with num_threads threads of its own.
class PairReader {
 public:
  // make_source is called once for each thread, at once, and keeps alive what its sources use.
  // num_threads >= 1. timeout_seconds: the longest time in which no pair is finished.
  PairReader(const FeatureShape& shape, int64_t num_threads,
             const std::function<std::unique_ptr<PairSource>()>& make_source,
             double timeout_seconds = 120.0);

  // From now on pairs have the channel masks that training draws for a window of that number.
  void draw_masks(const AugmentConfig& augment, uint64_t seed);

  // The pairs of these windows in this order, without channel masks unless draw_masks() was called.
  // Throws: the first error of a source; Error when the file system of the shards hangs.
  Batch read(std::span<const int64_t> window_ids, int64_t epoch);

 private:
  FeatureShape shape_;
  std::function<std::unique_ptr<PairSource>()> make_source_;
  std::vector<std::shared_ptr<PairSource>> sources_;
  double timeout_seconds_;
  std::optional<PairMasks> masks_;
};

}  // namespace cocola
