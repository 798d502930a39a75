#include "features/batch_front_end.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "base/error.h"
#include "features/front_end_support.h"

namespace cocola {
namespace {

TEST(BatchFrontEnd, OnTheCpuGivesTheBitsOfTheExtractor) {
  const at::Tensor x = testing::tones_and_clicks();
  // Not contiguous.
  const at::Tensor waveforms = at::stack({x, 0.5 * x.flip(0), at::zeros_like(x)}, 1).t();
  for (const FeatureKind kind : {FeatureKind::hps, FeatureKind::mel}) {
    FeatureConfig config;
    config.kind = kind;
    const at::Tensor found = BatchFrontEnd(config).extract(waveforms);
    FeatureExtractor extractor(config);
    ASSERT_EQ(found.sizes(), at::IntArrayRef({3, config.channels(), 64, 501}));
    for (int64_t i = 0; i < 3; ++i) {
      const at::Tensor expected = at::empty_like(found[i]);
      const at::Tensor row = waveforms[i].contiguous();
      extractor.extract(testing::span_of(row), testing::room_of(expected));
      EXPECT_TRUE(at::equal(found[i], expected));
    }
  }
}

TEST(BatchFrontEnd, RefusesOtherShapesTypesAndSamples) {
  BatchFrontEnd front_end({});
  EXPECT_THROW(front_end.extract(at::zeros({4000})), Error);
  EXPECT_THROW(front_end.extract(at::zeros({2, 4000}, at::kDouble)), Error);
  EXPECT_THROW(front_end.extract(at::zeros({2, 512})), Error);
  EXPECT_THROW(front_end.extract(at::full({1, 4000}, 2e15)), Error);
  EXPECT_EQ(front_end.extract(at::zeros({0, 4000})).size(0), 0);
}

}  // namespace
}  // namespace cocola
