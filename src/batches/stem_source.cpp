#include "batches/stem_source.h"

#include "base/error.h"

namespace cocola {
namespace {

class ShardStems : public StemSource {
 public:
  ShardStems(const ShardSet& shards, uint64_t seed) : shards_(shards), seed_(seed) {}

  int64_t num_samples() const override { return shards_.settings().window_samples; }

  PairStems stems_of(int64_t window, int64_t epoch) override {
    const auto [shard, local] = shards_.locate(window);
    const ShardWindow& where = shard->windows()[static_cast<size_t>(local)];
    const int64_t key = shards_.key_of(window);
    return {choose_submixes(where.audible, seed_, epoch, key),
            shard->tracks()[static_cast<size_t>(where.track)].gain, key};
  }

  void read(int64_t window, int stem, std::span<int16_t> out) override {
    const auto [shard, local] = shards_.locate(window);
    shard->read_stem(local, stem, out);
  }

 private:
  const ShardSet& shards_;
  const uint64_t seed_;
};

}  // namespace

std::unique_ptr<StemSource> open_stems(const ShardSet& shards, const FeatureConfig& features,
                                       uint64_t seed) {
  if (!shards.settings().has_stems) {
    fail("stem_source",
         "the shards hold no stems; rebuild them with data.store: [stems], or set "
         "training.source: features");
  }
  check_rate(shards, features);
  return std::make_unique<ShardStems>(shards, seed);
}

void check_rate(const ShardSet& shards, const FeatureConfig& features) {
  const int64_t found = shards.settings().sample_rate_hz;
  if (found == features.sample_rate_hz) return;
  fail("stem_source",
       "{}: its stems are at {} Hz, the front end expects {} Hz; rebuild the shards or change "
       "data.sample_rate_hz",
       shards.locate(0).first->path().string(), found, features.sample_rate_hz);
}

}  // namespace cocola
