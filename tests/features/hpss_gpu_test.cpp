#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"
#include "base/philox.h"
#include "features/front_end_support.h"
#include "features/hpss.h"
#include "features/hpss_cuda.h"

namespace cocola {
namespace {

using testing::room_of;
using testing::span_of;

TEST(HpssCuda, TensorsOnTheCpuAreRefused) {
  EXPECT_THROW(hpss_cuda(at::zeros({2, 40, 50})), Error);
}

// Few distinct values, many zeros: ties and vanishing medians are the rule in silent spectrograms.
at::Tensor quantised_magnitudes(int64_t batch, int64_t frames, int64_t bins) {
  PhiloxStream draws(5, DrawPurpose::noise, 0, static_cast<uint64_t>(frames),
                     static_cast<uint64_t>(bins));
  const at::Tensor out = at::empty({batch, frames, bins});
  for (float& value : room_of(out)) {
    value = 0.1f * std::max(0.0f, static_cast<float>(draws.next_below(40)) - 15.0f);
  }
  return out;
}

TEST(HpssCuda, GivesTheBitsOfTheCpu) {
  if (!can_run_hpss_cuda()) GTEST_SKIP() << "no CUDA in this build, or no GPU in this machine";
  const int64_t sizes[][3] = {{1, 1, 1}, {3, 14, 40}, {2, 31, 33}, {2, 62, 5}, {4, 501, 513}};
  for (const auto& [batch, frames, bins] : sizes) {
    const at::Tensor magnitude = quantised_magnitudes(batch, frames, bins);
    const HpssParts found = hpss_cuda(magnitude.to(at::kCUDA));
    MedianScratch scratch;
    for (int64_t i = 0; i < batch; ++i) {
      const at::Tensor harmonic = at::empty({frames, bins}), percussive = at::empty({frames, bins});
      hpss(span_of(magnitude[i]), room_of(harmonic), room_of(percussive), frames, bins, scratch,
           best_simd_level());
      EXPECT_TRUE(at::equal(found.harmonic[i].cpu(), harmonic)) << frames << " x " << bins;
      EXPECT_TRUE(at::equal(found.percussive[i].cpu(), percussive)) << frames << " x " << bins;
    }
  }
}

}  // namespace
}  // namespace cocola
