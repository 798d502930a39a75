#include "batches/pair_source.h"

#include <utility>

#include "base/error.h"
#include "stems/submix.h"

namespace cocola {
namespace {

// Fresh sub-mixes, noise and views for every epoch.
class MixedSource : public PairSource {
 public:
  MixedSource(std::unique_ptr<StemSource> stems, const FeatureConfig& features, double noise_std,
              uint64_t seed)
      : stems_(std::move(stems)),
        maker_(features),
        noise_std_(noise_std),
        seed_(seed),
        stem_(static_cast<size_t>(stems_->num_samples())) {}

  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    const PairStems pair = stems_->stems_of(window, epoch);
    mix(window, pair.choice.anchor, pair.gain);
    maker_.extract(anchor);
    mix(window, pair.choice.positive, pair.gain);
    add_noise(maker_.mix(), noise_std_, seed_, epoch, pair.key);
    maker_.extract(positive);
  }

 private:
  void mix(int64_t window, const std::vector<int>& stems, float gain) {
    maker_.begin(stems_->num_samples());
    for (const int stem : stems) {
      stems_->read(window, stem, stem_);
      maker_.add(stem_, gain);
    }
  }

  std::unique_ptr<StemSource> stems_;
  SubmixFeatures maker_;
  double noise_std_;
  uint64_t seed_;
  std::vector<int16_t> stem_;
};

// Reads pairs that the preprocessor made; they repeat after pairs_per_window epochs.
class FeaturesSource : public PairSource {
 public:
  explicit FeaturesSource(const ShardSet& shards) : shards_(shards) {}

  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    const auto [shard, local] = shards_.locate(window);
    shard->read_features(local, epoch % shards_.settings().pairs_per_window, anchor, positive,
                         scratch_);
  }

 private:
  const ShardSet& shards_;
  std::vector<uint16_t> scratch_;
};

// For messages: settings are the same in all shards.
std::string a_file_of(const ShardSet& shards) { return shards.locate(0).first->path().string(); }

}  // namespace

std::unique_ptr<PairSource> make_pair_source(std::unique_ptr<StemSource> stems,
                                             const FeatureConfig& features, double noise_std,
                                             uint64_t seed) {
  return std::make_unique<MixedSource>(std::move(stems), features, noise_std, seed);
}

std::unique_ptr<PairSource> make_pair_source(SourceKind kind, const ShardSet& shards,
                                             const FeatureConfig& features, double noise_std,
                                             uint64_t seed) {
  if (kind == SourceKind::stems) {
    return make_pair_source(open_stems(shards, features, seed), features, noise_std, seed);
  }
  const ShardSettings& settings = shards.settings();
  if (settings.pairs_per_window < 1) {
    fail("pair_source",
         "the shards hold no features; rebuild them with data.store: [features], or set "
         "training.source: stems");
  }
  if (settings.feature_fingerprint != features.fingerprint()) {
    fail("pair_source",
         "{}: feature fingerprint {} ({}), this run expects {} ({}); rebuild the shards or change "
         "section features",
         a_file_of(shards), settings.feature_fingerprint, settings.feature_description,
         features.fingerprint(), features.description());
  }
  if (noise_std != 0) {
    fail("pair_source",
         "training.augment.noise_std is {}, but noise belongs to waveforms and these features are "
         "precomputed; set it to 0, or training.source to stems",
         noise_std);
  }
  return std::make_unique<FeaturesSource>(shards);
}

void check_shards(const ShardSet& shards, const FeatureConfig& features,
                  const WindowConfig& windows) {
  check_rate(shards, features);
  const std::string& grid = shards.settings().window_grid;
  if (grid != to_string(windows.grid)) {
    fail("pair_source",
         "{}: data.window_grid was {} when its windows were laid out, {} is asked for now; rebuild "
         "the shards or change data.window_grid",
         a_file_of(shards), grid, to_string(windows.grid));
  }
  const int64_t found = shards.settings().window_samples;
  const int64_t window_samples = windows.window_samples(features.sample_rate_hz);
  if (found == window_samples) return;
  const auto seconds = [&](int64_t samples) {
    return static_cast<double>(samples) / static_cast<double>(features.sample_rate_hz);
  };
  fail(
      "pair_source",
      "{}: data.window_seconds was {} when its windows were laid out, {} is asked for now; rebuild "
      "the shards or change data.window_seconds",
      a_file_of(shards), seconds(found), seconds(window_samples));
}

SubmixFeatures::SubmixFeatures(const FeatureConfig& config) : extractor_(config) {}

void SubmixFeatures::begin(int64_t num_samples) {
  mix_.assign(static_cast<size_t>(num_samples), 0.0f);
}

void SubmixFeatures::add(std::span<const int16_t> stem, float gain) { add_stem(stem, gain, mix_); }

std::span<float> SubmixFeatures::mix() { return mix_; }

void SubmixFeatures::extract(std::span<float> out) { extractor_.extract(mix_, out); }

}  // namespace cocola
