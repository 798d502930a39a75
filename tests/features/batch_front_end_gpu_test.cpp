#include "features/batch_front_end.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "features/front_end_support.h"
#include "features/hpss_cuda.h"
#include "support/measured.h"

namespace cocola {
namespace {

class FrontEndOnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_run_hpss_cuda()) GTEST_SKIP() << "no CUDA in this build, or no GPU in this machine";
  }
};

// Tones and clicks of many levels, silence among them.
at::Tensor many_waveforms(int64_t count) {
  const at::Tensor x = testing::tones_and_clicks();
  const at::Tensor shifts = at::zeros({count, x.size(0)});
  for (int64_t i = 1; i < count; ++i) {
    shifts[i].copy_(x.roll({997 * i}, {0}) / static_cast<double>(i) +
                    1e-3 * at::sin(0.01 * static_cast<double>(i) * x.cumsum(0)));
  }
  return shifts;
}

TEST_F(FrontEndOnGpu, AgreesWithTheCpu) {
  const at::Tensor waveforms = many_waveforms(50);  // more than one piece
  for (const FeatureKind kind : {FeatureKind::hps, FeatureKind::mel}) {
    FeatureConfig config;
    config.kind = kind;
    BatchFrontEnd front_end(config);
    const at::Tensor expected = front_end.extract(waveforms);
    const at::Tensor found = front_end.extract(waveforms.to(at::kCUDA)).cpu();
    const at::Tensor difference =
        at::where(expected > -79, (found - expected).abs(), at::zeros_like(found));
    EXPECT_LE(testing::measured("features of a GPU, in dB", difference.max().item<double>(), 2e-3),
              2e-3);
  }
}

TEST_F(FrontEndOnGpu, RefusedSamplesMakeTheirWaveformNaN) {
  const at::Tensor waveforms = many_waveforms(3);
  waveforms[1][4321] = HUGE_VAL;
  const at::Tensor found = BatchFrontEnd({}).extract(waveforms.to(at::kCUDA)).cpu();
  EXPECT_TRUE(found[1].isnan().all().item<bool>());
  EXPECT_FALSE(found[0].isnan().any().item<bool>() || found[2].isnan().any().item<bool>());
}

}  // namespace
}  // namespace cocola
