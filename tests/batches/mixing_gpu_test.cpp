#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "batches/mixing.h"
#include "batches/noisy_stems.h"
#include "features/hpss_cuda.h"

namespace cocola {
namespace {

using testing::kStemSeed;
using testing::NoisyStems;
using testing::packed_batch;

class MixingOnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_run_hpss_cuda()) GTEST_SKIP() << "no CUDA in this build, or no GPU in this machine";
  }
};

TEST_F(MixingOnGpu, HasTheBitsOfTheCpu) {
  const at::Device gpu("cuda:0");
  for (const int64_t num_samples : {1, 255, 257, 80'000}) {
    const NoisyStems source(num_samples, {2, 4, 31, 3, 7});
    const PackedStems stems = *packed_batch(source, {3, 0, 4, 1, 2}, 9).stems;
    for (const double noise_std : {0.0, 1e-3, 0.7}) {
      const PositiveNoise noise{noise_std, kStemSeed, 9};
      for (const auto& [first, count] : {std::pair<int64_t, int64_t>(0, 5), {1, 3}}) {
        EXPECT_TRUE(at::equal(mix_anchors(stems, first, count, gpu).cpu(),
                              mix_anchors(stems, first, count, at::kCPU)))
            << num_samples;
        EXPECT_TRUE(at::equal(mix_positives(stems, first, count, noise, gpu).cpu(),
                              mix_positives(stems, first, count, noise, at::kCPU)))
            << num_samples << " samples, noise " << noise_std;
      }
    }
  }
}

}  // namespace
}  // namespace cocola
