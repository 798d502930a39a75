#include "batches/batch_maker.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace cocola {
namespace {

at::TensorOptions in_memory(HostMemory memory, at::ScalarType type) {
  return at::TensorOptions(type).pinned_memory(memory == HostMemory::pinned);
}

int64_t num_pairs_of(const Batch& batch) { return static_cast<int64_t>(batch.window_ids.size()); }

class FeatureMaker : public BatchMaker {
 public:
  FeatureMaker(std::unique_ptr<PairSource> source, const FeatureShape& shape,
               const AugmentConfig& augment, uint64_t seed, HostMemory memory)
      : source_(std::move(source)),
        shape_(shape),
        augment_(augment),
        seed_(seed),
        memory_(memory) {}

  void lay_out(Batch& batch) override {
    const std::vector<int64_t> sizes = {num_pairs_of(batch), shape_.channels, shape_.mel_bins,
                                        shape_.frames};
    batch.anchors = at::empty(sizes, in_memory(memory_, at::kFloat));
    batch.positives = at::empty(sizes, in_memory(memory_, at::kFloat));
  }

  void make_pair(Batch& batch, int64_t pair) override {
    const int64_t window = batch.window_ids[static_cast<size_t>(pair)];
    const auto row = [&](const at::Tensor& all) {
      return std::span(all.data_ptr<float>() + pair * shape_.size(),
                       static_cast<size_t>(shape_.size()));
    };
    source_->make_pair(window, batch.epoch, row(batch.anchors), row(batch.positives));
    mask_channels(augment_, seed_, batch.epoch, window, shape_, row(batch.anchors),
                  row(batch.positives));
  }

 private:
  std::unique_ptr<PairSource> source_;
  const FeatureShape shape_;
  const AugmentConfig augment_;
  const uint64_t seed_;
  const HostMemory memory_;
};

class StemMaker : public BatchMaker {
 public:
  StemMaker(std::unique_ptr<StemSource> source, HostMemory memory)
      : source_(std::move(source)), memory_(memory) {}

  void lay_out(Batch& batch) override {
    const int64_t n = num_pairs_of(batch);
    PackedStems stems;
    stems.first_rows = at::empty({2 * n + 1}, in_memory(memory_, at::kLong));
    stems.gains = at::empty({n}, in_memory(memory_, at::kFloat));
    stems.keys = at::empty({n}, in_memory(memory_, at::kLong));
    int64_t* const ends = stems.first_rows.data_ptr<int64_t>() + 1;
    for (int64_t pair = 0; pair < n; ++pair) {
      const PairStems chosen = stems_of(batch, pair);
      ends[pair] = static_cast<int64_t>(chosen.choice.anchor.size());
      ends[n + pair] = static_cast<int64_t>(chosen.choice.positive.size());
      stems.gains.data_ptr<float>()[pair] = chosen.gain;
      stems.keys.data_ptr<int64_t>()[pair] = chosen.key;
    }
    ends[-1] = 0;
    std::partial_sum(ends, ends + 2 * n, ends);
    stems.rows =
        at::empty({ends[2 * n - 1], source_->num_samples()}, in_memory(memory_, at::kShort));
    batch.stems = std::move(stems);
  }

  void make_pair(Batch& batch, int64_t pair) override {
    const SubmixChoice choice = stems_of(batch, pair).choice;
    const int64_t window = batch.window_ids[static_cast<size_t>(pair)];
    read(*batch.stems, pair, window, choice.anchor);
    read(*batch.stems, num_pairs_of(batch) + pair, window, choice.positive);
  }

 private:
  PairStems stems_of(const Batch& batch, int64_t pair) {
    return source_->stems_of(batch.window_ids[static_cast<size_t>(pair)], batch.epoch);
  }

  void read(const PackedStems& packed, int64_t signal, int64_t window,
            const std::vector<int>& stems) {
    const int64_t num_samples = source_->num_samples();
    int16_t* row = packed.rows.data_ptr<int16_t>() +
                   packed.first_rows.const_data_ptr<int64_t>()[signal] * num_samples;
    for (const int stem : stems) {
      source_->read(window, stem, std::span(row, static_cast<size_t>(num_samples)));
      row += num_samples;
    }
  }

  std::unique_ptr<StemSource> source_;
  const HostMemory memory_;
};

}  // namespace

std::unique_ptr<BatchMaker> make_feature_maker(std::unique_ptr<PairSource> source,
                                               const FeatureShape& shape,
                                               const AugmentConfig& augment, uint64_t seed,
                                               HostMemory memory) {
  return std::make_unique<FeatureMaker>(std::move(source), shape, augment, seed, memory);
}

std::unique_ptr<BatchMaker> make_stem_maker(std::unique_ptr<StemSource> source, HostMemory memory) {
  return std::make_unique<StemMaker>(std::move(source), memory);
}

}  // namespace cocola
