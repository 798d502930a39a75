#include "features/hpss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"
#include "features/front_end_support.h"
#include "support/golden.h"
#include "support/measured.h"

namespace cocola {
namespace {

using testing::relative_error;
using testing::room_of;
using testing::span_of;

struct Parts {
  at::Tensor harmonic, percussive;
};

// magnitude [frames, bins].
Parts separate(const at::Tensor& magnitude, SimdLevel level) {
  const Parts parts{at::empty_like(magnitude), at::empty_like(magnitude)};
  MedianScratch scratch;
  hpss(span_of(magnitude), room_of(parts.harmonic), room_of(parts.percussive), magnitude.size(0),
       magnitude.size(1), scratch, level);
  return parts;
}

class HpssAt : public testing::EverySimdLevel {};

TEST_P(HpssAt, PartsEqualLibrosaAndSumToTheWhole) {
  const SafetensorsFile golden = testing::golden("frontend");
  // The reference is [bins, frames]; ours is frame-major.
  const at::Tensor magnitude = golden.get("window0.magnitude").t().contiguous();
  const Parts parts = separate(magnitude, GetParam());
  const double harmonic = relative_error(parts.harmonic.t(), golden.get("window0.harmonic"));
  const double percussive = relative_error(parts.percussive.t(), golden.get("window0.percussive"));
  EXPECT_LE(testing::measured("HPSS, harmonic", harmonic, 2e-5), 2e-5);
  EXPECT_LE(testing::measured("HPSS, percussive", percussive, 2e-5), 2e-5);
  EXPECT_LE(relative_error(parts.harmonic + parts.percussive, magnitude), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Levels, HpssAt, testing::kLevels, testing::level_name);

TEST(Hpss, ALoneCellIsSharedInHalves) {
  const at::Tensor magnitude = at::zeros({40, 50});
  magnitude[20][25] = 2;  // alone: both medians vanish
  const Parts parts = separate(magnitude, best_simd_level());
  EXPECT_TRUE(at::equal(parts.harmonic, magnitude / 2));
  EXPECT_TRUE(at::equal(parts.percussive, magnitude / 2));
}

TEST(Hpss, ASteadyToneIsHarmonicAndAClickPercussive) {
  const at::Tensor tone = at::zeros({100, 100}), click = at::zeros({100, 100});
  tone.select(1, 30).fill_(1);
  click.select(0, 60).fill_(1);
  EXPECT_TRUE(at::equal(separate(tone, best_simd_level()).harmonic, tone));
  EXPECT_TRUE(at::equal(separate(click, best_simd_level()).percussive, click));
}

TEST(Hpss, PartsOfAnotherSizeAreRefused) {
  std::vector<float> magnitude(6), harmonic(6), percussive(5);
  MedianScratch scratch;
  EXPECT_THROW(hpss(magnitude, harmonic, percussive, 2, 3, scratch, best_simd_level()), Error);
}

}  // namespace
}  // namespace cocola
