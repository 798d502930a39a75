// Where the features of a pair come from: stems mixed on the spot, or pairs precomputed in the
// shards.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "batches/augment.h"
#include "batches/stem_source.h"
#include "features/feature_extractor.h"
#include "shards/shard_set.h"
#include "stems/window.h"

namespace cocola {

enum class SourceKind { stems, features };

// Makes the two views of a window, before augmentation of features. One per thread.
class PairSource {
 public:
  virtual ~PairSource() = default;
  // Features [C, M, F] of both views.
  // Random: decided by (seed, epoch, window) alone.
  // Law:    both kinds give the same values for pair `epoch` of a window, to the shard's
  //         quantisation (0.001 dB), when noise is 0; precomputed pairs repeat after
  //         pairs_per_window epochs.
  virtual void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                         std::span<float> positive) = 0;
};

// Throws: Error when the shards hold no data of that kind, were made with another front end than
//         `features` (both fingerprints named), or when noise is asked of precomputed features.
std::unique_ptr<PairSource> make_pair_source(SourceKind kind, const ShardSet& shards,
                                             const FeatureConfig& features, double noise_std,
                                             uint64_t seed);
// Mixes stems and adds noise to positives on the spot.
std::unique_ptr<PairSource> make_pair_source(std::unique_ptr<StemSource> stems,
                                             const FeatureConfig& features, double noise_std,
                                             uint64_t seed);

// Throws: Error naming a shard's file, the key, both values and what to do, when stems of the
//         shards are not at the rate of `features`, or windows not of the length and grid of
//         `windows`.
void check_shards(const ShardSet& shards, const FeatureConfig& features,
                  const WindowConfig& windows);

// The common heart of training and preprocessing: sums the chosen stems and extracts features.
class SubmixFeatures {
 public:
  explicit SubmixFeatures(const FeatureConfig& config);
  void begin(int64_t num_samples);  // clears the mix
  void add(std::span<const int16_t> stem, float gain);
  std::span<float> mix();
  void extract(std::span<float> out);

 private:
  FeatureExtractor extractor_;
  std::vector<float> mix_;
};

}  // namespace cocola
