#include "batches/pair_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/philox.h"
#include "batches/batch_maker.h"
#include "batches/mixing.h"
#include "shards/shard_writer.h"
#include "stems/submix.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

constexpr int64_t kWindowSamples = 8000;
constexpr int64_t kPairsPerWindow = 2;
constexpr uint64_t kSeed = 77;
const FeatureConfig kFeatures;

// Two shards of one track each: four stems of tones and noise, three half-overlapping windows.
class PairSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const FeatureShape shape = kFeatures.shape(kWindowSamples);
    settings_ = {.sample_rate_hz = 16000,
                 .window_samples = kWindowSamples,
                 .pairs_per_window = kPairsPerWindow,
                 .has_stems = true,
                 .channels = shape.channels,
                 .mel_bins = shape.mel_bins,
                 .frames = shape.frames,
                 .feature_kind = "hps",
                 .feature_fingerprint = kFeatures.fingerprint(),
                 .feature_description = kFeatures.description(),
                 .submix_seed = kSeed};
  }

  static std::vector<int16_t> stem(int64_t track, int64_t which) {
    PhiloxStream random(1, DrawPurpose::bootstrap, 0, static_cast<uint64_t>(10 * track + which), 0);
    std::vector<int16_t> samples;
    for (int64_t i = 0; i < 2 * kWindowSamples; ++i) {
      const double tone = std::sin(0.02 * static_cast<double>((1 + which) * i + track)) * 6000.0;
      samples.push_back(
          static_cast<int16_t>(tone + 500.0 * static_cast<double>(random.next_normal())));
    }
    return samples;
  }

  // Features as the preprocessor computes them, from whole stems.
  void write_shard(const std::string& file, int64_t track) {
    const std::vector<ShardTrack> tracks = {{.name = file,
                                             .stem_names = {"a", "b", "c", "d"},
                                             .num_samples = 2 * kWindowSamples,
                                             .gain = 1.0f / 32767.0f}};
    std::vector<ShardWindow> windows;
    for (int64_t i = 0; i < 3; ++i) {
      windows.push_back(
          {.track = 0, .start_sample = i * kWindowSamples / 2, .audible = {1, 1, 0, 1}});
    }
    ShardWriter writer(dir_ / file, settings_, "train", tracks, windows, "{}");
    if (settings_.has_stems) {
      for (int64_t s = 0; s < 4; ++s) writer.write_stem(0, s, stem(track, s));
    }
    SubmixFeatures maker(kFeatures);
    for (int64_t w = 0; w < 3; ++w) {
      const int64_t start = windows[static_cast<size_t>(w)].start_sample;
      for (int64_t pair = 0; pair < settings_.pairs_per_window; ++pair) {
        const SubmixChoice choice =
            choose_submixes(windows[0].audible, kSeed, pair, window_key(file, start));
        writer.write_features(w, pair, view(maker, track, choice.anchor, start),
                              view(maker, track, choice.positive, start));
      }
    }
    manifest_.shards.push_back(
        {.file = file,
         .split = "train",
         .digest = writer.finish(),
         .num_bytes = static_cast<int64_t>(std::filesystem::file_size(dir_ / file)),
         .num_tracks = 1,
         .num_windows = 3});
  }

  static std::vector<float> view(SubmixFeatures& maker, int64_t track,
                                 const std::vector<int>& stems, int64_t start) {
    maker.begin(kWindowSamples);
    for (const int which : stems) {
      const auto samples = stem(track, which);
      maker.add(std::span(samples).subspan(static_cast<size_t>(start), kWindowSamples),
                1.0f / 32767.0f);
    }
    std::vector<float> out(static_cast<size_t>(kFeatures.shape(kWindowSamples).size()));
    maker.extract(out);
    return out;
  }

  const ShardSet& shards() {
    if (!set_) {
      write_shard("one.h5", 0);
      write_shard("two.h5", 1);
      manifest_.settings = settings_;
      write_manifest(dir_.path(), manifest_);
      set_ = std::make_unique<ShardSet>(dir_.path(), "train", true);
    }
    return *set_;
  }

  struct Pair {
    std::vector<float> anchor, positive;
  };
  Pair make(SourceKind kind, double noise_std, uint64_t seed, int64_t window, int64_t epoch) {
    const auto size = static_cast<size_t>(kFeatures.shape(kWindowSamples).size());
    Pair pair{std::vector<float>(size), std::vector<float>(size)};
    make_pair_source(kind, shards(), kFeatures, noise_std, seed)
        ->make_pair(window, epoch, pair.anchor, pair.positive);
    return pair;
  }
  std::string refusal(SourceKind kind, const FeatureConfig& features, double noise_std) {
    try {
      make_pair_source(kind, shards(), features, noise_std, kSeed);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  TemporaryDirectory dir_;
  ShardSettings settings_;
  Manifest manifest_;
  std::unique_ptr<ShardSet> set_;
};

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  float largest = 0.0f;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST_F(PairSourceTest, BothSourcesGiveTheSameTensorsForTheSamePair) {
  for (int64_t window = 0; window < 6; ++window) {
    for (int64_t epoch = 0; epoch < kPairsPerWindow; ++epoch) {
      const Pair fresh = make(SourceKind::stems, 0.0, kSeed, window, epoch);
      const Pair stored = make(SourceKind::features, 0.0, kSeed, window, epoch);
      EXPECT_LT(largest_difference(fresh.anchor, stored.anchor), 0.001f);
      EXPECT_LT(largest_difference(fresh.positive, stored.positive), 0.001f);
      EXPECT_GT(largest_difference(fresh.anchor, fresh.positive), 1.0f);
    }
  }
}

TEST_F(PairSourceTest, TheFeaturesOfPackedStemsAreTheFeatures) {
  FeatureExtractor extractor(kFeatures);
  const auto maker = make_stem_maker(open_stems(shards(), kFeatures, kSeed));
  Batch batch;
  batch.window_ids = {5, 0, 1, 4, 2, 3};
  batch.epoch = 3;
  maker->lay_out(batch);
  for (int64_t i = 0; i < 6; ++i) maker->make_pair(batch, i);
  const at::Tensor anchors = mix_anchors(*batch.stems, 0, 6, at::kCPU);
  const at::Tensor positives = mix_positives(*batch.stems, 0, 6, {1e-3, kSeed, 3}, at::kCPU);
  for (int64_t i = 0; i < 6; ++i) {
    const Pair features =
        make(SourceKind::stems, 1e-3, kSeed, batch.window_ids[static_cast<size_t>(i)], 3);
    std::vector<float> found(features.anchor.size());
    const auto features_of = [&](const at::Tensor& waveforms) {
      extractor.extract(
          std::span(waveforms.const_data_ptr<float>() + i * kWindowSamples, kWindowSamples), found);
      return found;
    };
    EXPECT_EQ(features_of(anchors), features.anchor);
    EXPECT_EQ(features_of(positives), features.positive);
  }
}

TEST_F(PairSourceTest, PrecomputedPairsRepeatAndIgnoreTheSeed) {
  const Pair first = make(SourceKind::features, 0.0, kSeed, 4, 1);
  EXPECT_EQ(make(SourceKind::features, 0.0, 1, 4, 1).anchor, first.anchor);
  EXPECT_EQ(make(SourceKind::features, 0.0, kSeed, 4, 1 + 7 * kPairsPerWindow).anchor,
            first.anchor);
}

TEST_F(PairSourceTest, FreshPairsChangeFromEpochToEpoch) {
  const Pair first = make(SourceKind::stems, 0.0, kSeed, 0, 0);
  int changed = 0;
  for (int64_t epoch = 1; epoch < 10; ++epoch) {
    if (make(SourceKind::stems, 0.0, kSeed, 0, epoch).anchor != first.anchor) ++changed;
  }
  EXPECT_GE(changed, 5);
  EXPECT_EQ(make(SourceKind::stems, 0.0, kSeed, 0, 0).anchor, first.anchor);
}

TEST_F(PairSourceTest, NoiseChangesThePositiveAlone) {
  const Pair clean = make(SourceKind::stems, 0.0, kSeed, 2, 5);
  const Pair noisy = make(SourceKind::stems, 1e-2, kSeed, 2, 5);
  EXPECT_EQ(noisy.anchor, clean.anchor);
  EXPECT_GT(largest_difference(noisy.positive, clean.positive), 0.1f);
  EXPECT_EQ(make(SourceKind::stems, 1e-2, kSeed, 2, 5).positive, noisy.positive);
}

TEST_F(PairSourceTest, AnotherFrontEndIsRefusedWithBothFingerprints) {
  FeatureConfig other;
  other.mel_bins = 32;
  EXPECT_THAT(refusal(SourceKind::features, other, 0.0),
              AllOf(HasSubstr(kFeatures.fingerprint()), HasSubstr(other.fingerprint())));
  EXPECT_EQ(refusal(SourceKind::features, kFeatures, 0.0), "");
  EXPECT_EQ(refusal(SourceKind::stems, other, 0.0), "");
}

TEST_F(PairSourceTest, StemsOfAnotherRateAreRefused) {
  FeatureConfig other;
  other.sample_rate_hz = 22050;
  EXPECT_THAT(refusal(SourceKind::stems, other, 0.0), HasSubstr("22050"));
}

TEST_F(PairSourceTest, WindowsOfAnotherGridOrLengthAreRefusedWithBothValues) {
  const double seconds = static_cast<double>(kWindowSamples) / 16000.0;
  const auto error_of = [&](const WindowConfig& windows) -> std::string {
    try {
      check_shards(shards(), kFeatures, windows);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(error_of({.window_seconds = seconds}), "");
  EXPECT_THAT(error_of({.window_seconds = seconds, .grid = WindowGrid::original}),
              AllOf(HasSubstr("one.h5: data.window_grid was hop"),
                    HasSubstr("original is asked for"), HasSubstr("rebuild")));
  EXPECT_THAT(error_of({.window_seconds = 2 * seconds}), HasSubstr("data.window_seconds was"));
}

TEST_F(PairSourceTest, NoiseOnPrecomputedFeaturesIsRefused) {
  EXPECT_THAT(refusal(SourceKind::features, kFeatures, 1e-3), HasSubstr("0.001"));
}

TEST_F(PairSourceTest, ShardsWithoutThatKindOfDataAreRefused) {
  settings_.has_stems = false;
  EXPECT_THAT(refusal(SourceKind::stems, kFeatures, 0.0), HasSubstr("no stems"));
}

TEST_F(PairSourceTest, ShardsWithoutFeaturesAreRefused) {
  settings_.pairs_per_window = 0;
  EXPECT_THAT(refusal(SourceKind::features, kFeatures, 0.0), HasSubstr("no features"));
  EXPECT_EQ(refusal(SourceKind::stems, kFeatures, 1e-3), "");
}

TEST(SubmixFeatures, AddsStemsAndStartsAgain) {
  SubmixFeatures maker(kFeatures);
  const std::vector<int16_t> a(kWindowSamples, 100), b(kWindowSamples, -300);
  maker.begin(kWindowSamples);
  maker.add(a, 0.5f);
  maker.add(b, 0.25f);
  EXPECT_FLOAT_EQ(maker.mix()[17], -25.0f);
  maker.begin(kWindowSamples);
  EXPECT_EQ(maker.mix()[17], 0.0f);
}

}  // namespace
}  // namespace cocola
