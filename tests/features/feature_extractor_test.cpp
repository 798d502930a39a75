#include "features/feature_extractor.h"

#include <ATen/Parallel.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <limits>
#include <new>
#include <thread>

#include "base/error.h"
#include "features/front_end_support.h"
#include "support/golden.h"
#include "support/measured.h"

namespace cocola {
namespace {

// Calls of operator new, which this program replaces below, in this thread.
thread_local int64_t num_allocations = 0;

using testing::room_of;
using testing::span_of;
using testing::tones_and_clicks;

FeatureConfig config_of(FeatureKind kind) {
  FeatureConfig config;
  config.kind = kind;
  return config;
}

at::Tensor extract(FeatureKind kind, const at::Tensor& waveform,
                   SimdLevel level = best_simd_level()) {
  FeatureExtractor extractor(config_of(kind), level);
  const FeatureShape shape = extractor.config().shape(waveform.numel());
  const at::Tensor out = at::empty({shape.channels, shape.mel_bins, shape.frames});
  extractor.extract(span_of(waveform), room_of(out));
  return out;
}

class FrontEndAt : public testing::EverySimdLevel {};

// Differences count where the value is above -79 dB: at the floor a rounding error decides.
void expect_golden_features(const char* kind, const at::Tensor& found, const at::Tensor& expected) {
  const at::Tensor difference =
      at::where(expected > -79, (found - expected).abs(), at::zeros_like(found));
  EXPECT_LE(testing::measured(kind, difference.max().item<double>(), 2e-3), 2e-3);
}

TEST_P(FrontEndAt, HpsEqualsLibrosa) {
  const SafetensorsFile golden = testing::golden("frontend");
  for (int64_t i = 0; i < 3; ++i) {
    expect_golden_features("HPS features, in dB",
                           extract(FeatureKind::hps, golden.get("waveform")[i], GetParam()),
                           golden.get("hps")[i]);
  }
}

TEST_P(FrontEndAt, MelEqualsTorchaudio) {
  const SafetensorsFile golden = testing::golden("frontend");
  for (int64_t i = 0; i < 3; ++i) {
    expect_golden_features("mel features, in dB",
                           extract(FeatureKind::mel, golden.get("waveform")[i], GetParam()),
                           golden.get("mel")[i]);
  }
}

TEST_P(FrontEndAt, GivesTheSameBitsAsTheBestLevel) {
  const at::Tensor x = tones_and_clicks();
  for (const FeatureKind kind : {FeatureKind::hps, FeatureKind::mel}) {
    EXPECT_TRUE(at::equal(extract(kind, x, GetParam()), extract(kind, x)));
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, FrontEndAt, testing::kLevels, testing::level_name);

TEST(FrontEnd, GivesThePublishedKnownAnswers) {
  const at::Tensor x = tones_and_clicks();
  const at::Tensor hps = extract(FeatureKind::hps, x), mel = extract(FeatureKind::mel, x);
  struct Answer {
    int64_t band, frame;
    double harmonic, percussive, mel;
  };
  for (const Answer& a :
       {Answer{0, 0, -50.4534, -0.8170, 22.7599}, Answer{5, 100, -36.7920, -24.0426, 30.0851},
        Answer{23, 250, -58.8535, -22.4044, 0.7761}, Answer{40, 100, -80.0, -22.3152, 3.1616},
        Answer{63, 500, -80.0, -47.7496, -13.0896}}) {
    EXPECT_NEAR(hps[0][a.band][a.frame].item<double>(), a.harmonic, 2e-3);
    EXPECT_NEAR(hps[1][a.band][a.frame].item<double>(), a.percussive, 2e-3);
    EXPECT_NEAR(mel[0][a.band][a.frame].item<double>(), a.mel, 2e-3);
  }
  EXPECT_NEAR(hps[0].mean().item<double>(), -64.6902, 2e-3);
  EXPECT_NEAR(hps[1].mean().item<double>(), -64.4861, 2e-3);
  EXPECT_NEAR(mel.mean().item<double>(), -44.0435, 2e-3);
}

TEST(FrontEnd, SilenceIsZeroDecibelWithHpsAndTheFloorWithMel) {
  const at::Tensor silence = at::zeros({32000});
  EXPECT_TRUE(at::equal(extract(FeatureKind::hps, silence), at::zeros({2, 64, 201})));
  EXPECT_TRUE(
      at::allclose(extract(FeatureKind::mel, silence), at::full({1, 64, 201}, -100.0), 0, 1e-4));
}

TEST(FrontEnd, HpsDoesNotHearTheGain) {
  const at::Tensor x = tones_and_clicks();
  const at::Tensor difference = extract(FeatureKind::hps, x) - extract(FeatureKind::hps, 0.1 * x);
  EXPECT_LE(difference.abs().max().item<double>(), 5e-4);
}

TEST(FrontEnd, NonFiniteAndAbsurdSamplesAreRefusedWithTheirPosition) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity(), 3e38f}) {
    at::Tensor x = tones_and_clicks();
    x[1234] = bad;
    try {
      extract(FeatureKind::hps, x);
      ADD_FAILURE() << bad << " was accepted";
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr("sample 1234"));
    }
  }
}

TEST(FrontEnd, RoomOfTheWrongSizeIsRefused) {
  FeatureExtractor extractor(FeatureConfig{});
  std::vector<float> x(16000), out(2 * 64 * 100);
  EXPECT_THROW(extractor.extract(x, out), Error);
}

TEST(FrontEnd, BrokenSettingsAreRefused) {
  FeatureConfig config;
  config.hop_samples = 0;
  EXPECT_THROW(FeatureExtractor{config}, Error);
}

// Whatever was extracted before, and of whatever length, leaves no trace.
TEST(FrontEnd, ForgetsTheWaveformBefore) {
  const at::Tensor x = tones_and_clicks(), part = x.slice(0, 0, 20000).contiguous();
  for (const FeatureKind kind : {FeatureKind::hps, FeatureKind::mel}) {
    FeatureExtractor extractor(config_of(kind));
    const at::Tensor first = at::empty({extractor.config().channels(), 64, 501});
    extractor.extract(span_of(x), room_of(first));
    const at::Tensor second = at::empty({extractor.config().channels(), 64, 126});
    extractor.extract(span_of(part), room_of(second));
    EXPECT_TRUE(at::equal(second, extract(kind, part)));
  }
}

TEST(FrontEnd, AllocatesNothingAfterTheFirstCallOfASize) {
  const at::Tensor x = tones_and_clicks(), out = at::empty({2, 64, 501});
  for (const FeatureKind kind : {FeatureKind::hps, FeatureKind::mel}) {
    FeatureExtractor extractor(config_of(kind));
    const std::span<float> room =
        room_of(out).first(static_cast<size_t>(extractor.config().shape(x.numel()).size()));
    const int64_t before_first = num_allocations;
    extractor.extract(span_of(x), room);
    const int64_t after_first = num_allocations;
    EXPECT_GT(after_first, before_first);
    extractor.extract(span_of(x), room);
    EXPECT_EQ(num_allocations, after_first);
  }
}

TEST(FrontEnd, LeavesTheThreadsOfTheCallerAlone) {
  at::set_num_threads(3);
  std::thread([] { extract(FeatureKind::hps, tones_and_clicks()); }).join();
  extract(FeatureKind::hps, tones_and_clicks());
  EXPECT_EQ(at::get_num_threads(), 3);
}

}  // namespace
}  // namespace cocola

// (Inlined, g++ 12 would take malloc and delete for a mismatch.)
[[gnu::noinline]] void* operator new(size_t size) {
  ++cocola::num_allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++cocola::num_allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
