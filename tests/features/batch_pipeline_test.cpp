#include "features/batch_pipeline.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "base/philox.h"
#include "features/feature_extractor.h"
#include "features/looped_kernels.h"
#include "support/golden.h"
#include "support/measured.h"

namespace cocola {
namespace {

FeatureConfig config_of(FeatureKind kind) {
  FeatureConfig config;
  config.kind = kind;
  return config;
}

at::Tensor looped(const FeatureConfig& config, const at::Tensor& waveforms,
                  int64_t piece_bytes = BatchPipeline::kPieceBytes) {
  BatchPipeline pipeline(config, testing::looped_kernels(), at::kCPU, piece_bytes);
  return pipeline.extract(waveforms);
}

at::Tensor one_by_one(const FeatureConfig& config, const at::Tensor& waveforms) {
  FeatureExtractor extractor(config);
  const FeatureShape shape = config.shape(waveforms.size(1));
  const at::Tensor out =
      at::empty({waveforms.size(0), shape.channels, shape.mel_bins, shape.frames});
  for (int64_t i = 0; i < waveforms.size(0); ++i) {
    extractor.extract(testing::span_of(waveforms[i]), testing::room_of(out[i]));
  }
  return out;
}

// Noise that decays, each waveform louder than the one before, and one of silence.
at::Tensor some_waveforms(int64_t count, int64_t num_samples) {
  const at::Tensor out = at::zeros({count, num_samples});
  for (int64_t i = 1; i < count; ++i) {
    PhiloxStream draws(7, DrawPurpose::noise, 0, static_cast<uint64_t>(i), 0);
    for (int64_t n = 0; n < num_samples; ++n) {
      const double decay = std::exp(-static_cast<double>(n % 4000) / 700.0);
      out.data_ptr<float>()[i * num_samples + n] =
          static_cast<float>(0.1 * static_cast<double>(i) * decay) * draws.next_normal();
    }
  }
  return out;
}

// At the floor a rounding error decides.
double largest_difference(const at::Tensor& found, const at::Tensor& expected) {
  const at::Tensor difference =
      at::where(expected > -79, (found - expected).abs(), at::zeros_like(found));
  return difference.max().item<double>();
}

TEST(BatchPipeline, EqualsLibrosaAndTorchaudio) {
  const SafetensorsFile golden = testing::golden("frontend");
  const at::Tensor waveforms = golden.get("waveform").contiguous();
  const at::Tensor hps = looped(config_of(FeatureKind::hps), waveforms);
  const at::Tensor mel = looped(config_of(FeatureKind::mel), waveforms);
  EXPECT_LE(testing::measured("batches of HPS features, in dB",
                              largest_difference(hps, golden.get("hps")), 2e-3),
            2e-3);
  EXPECT_LE(testing::measured("batches of mel features, in dB",
                              largest_difference(mel, golden.get("mel")), 2e-3),
            2e-3);
}

TEST(BatchPipeline, AgreesWithTheExtractorOfSingleWaveforms) {
  for (const FeatureKind kind : {FeatureKind::hps, FeatureKind::mel}) {
    for (const int64_t num_samples : {513, 8000, 16001}) {
      const FeatureConfig config = config_of(kind);
      const at::Tensor waveforms = some_waveforms(4, num_samples);
      const double difference =
          largest_difference(looped(config, waveforms), one_by_one(config, waveforms));
      EXPECT_LE(testing::measured("batches beside single waveforms, in dB", difference, 1e-4), 1e-4)
          << num_samples;
    }
  }
}

TEST(BatchPipeline, AgreesForOtherSettings) {
  FeatureConfig config;
  config.fft_size = 256;
  config.taper_samples = 256;
  config.hop_samples = 100;
  config.mel_bins = 20;
  for (const FeatureKind kind : {FeatureKind::hps, FeatureKind::mel}) {
    config.kind = kind;
    const at::Tensor waveforms = some_waveforms(2, 3333);
    EXPECT_LE(largest_difference(looped(config, waveforms), one_by_one(config, waveforms)), 1e-4);
  }
}

TEST(BatchPipeline, PiecesOfAnySizeGiveTheSameBits) {
  for (const FeatureKind kind : {FeatureKind::hps, FeatureKind::mel}) {
    const at::Tensor waveforms = some_waveforms(5, 4000);
    const at::Tensor whole = looped(config_of(kind), waveforms);
    for (const int64_t piece_bytes : {1, 1'000'000}) {
      EXPECT_TRUE(at::equal(looped(config_of(kind), waveforms, piece_bytes), whole));
    }
  }
}

TEST(BatchPipeline, AnObjectTakesBatchesOfEverySizeAndLength) {
  const FeatureConfig config;
  BatchPipeline pipeline(config, testing::looped_kernels(), at::kCPU);
  for (const int64_t num_samples : {4000, 2000, 4000}) {
    for (const int64_t count : {3, 1, 0, 4}) {
      const at::Tensor waveforms = some_waveforms(count, num_samples);
      EXPECT_TRUE(at::equal(pipeline.extract(waveforms), looped(config, waveforms)));
    }
  }
}

TEST(BatchPipeline, AWaveformThatTheExtractorRefusesIsNaNAndNoOther) {
  for (const float bad : {std::nanf(""), HUGE_VALF, -3e38f}) {
    const at::Tensor waveforms = some_waveforms(3, 4000);
    const at::Tensor sound = looped({}, waveforms);
    waveforms[1][123] = bad;
    const at::Tensor found = looped({}, waveforms);
    EXPECT_TRUE(found[1].isnan().all().item<bool>()) << bad;
    EXPECT_TRUE(at::equal(found[0], sound[0]) && at::equal(found[2], sound[2])) << bad;
  }
}

}  // namespace
}  // namespace cocola
