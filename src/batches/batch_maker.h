// Makes the pairs of a batch where the batch keeps them: as features, or as stems to be mixed
// later.
#pragma once
#include <cstdint>
#include <memory>

#include "batches/augment.h"
#include "batches/batch.h"
#include "batches/pair_source.h"
#include "batches/stem_source.h"

namespace cocola {

// Views lie in ordinary memory, or in page-locked memory, from which a GPU copies while the program
// goes on. That is allocated once, as LibTorch keeps what is dropped, and taken again only after
// the copy. It needs a GPU.
enum class HostMemory { ordinary, pinned };

// One per thread.
class BatchMaker {
 public:
  virtual ~BatchMaker() = default;
  // Makes room for the pairs of batch.window_ids in batch.epoch. Reads no file.
  virtual void lay_out(Batch& batch) = 0;
  // Fills the room of one pair; several makers of one kind may fill different pairs at once.
  virtual void make_pair(Batch& batch, int64_t pair) = 0;
};

// Features with the channel masks of training; of `augment` only those, noise is the source's.
std::unique_ptr<BatchMaker> make_feature_maker(std::unique_ptr<PairSource> source,
                                               const FeatureShape& shape,
                                               const AugmentConfig& augment, uint64_t seed,
                                               HostMemory memory = HostMemory::ordinary);

// PackedStems.
std::unique_ptr<BatchMaker> make_stem_maker(std::unique_ptr<StemSource> source,
                                            HostMemory memory = HostMemory::ordinary);

}  // namespace cocola
