#include "eval/accuracy_baselines.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace cocola {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

constexpr FeatureShape kHps{.channels = 2, .mel_bins = 2, .frames = 3};

TEST(Baselines, LoudnessIsTheRootOfTheMeanPower) {
  // Powers: 1, 100 and nothing in the first frame's bands; 1 everywhere in the second.
  const std::vector<float> features = {0, 0, -200, 20, 0, -200, -200, 0, -200, -200, 0, -200};
  EXPECT_THAT(loudness_envelope(features, kHps),
              ElementsAre(FloatNear(std::sqrt(101.0f / 4), 1e-5f), FloatNear(1, 1e-6f),
                          FloatNear(0, 1e-6f)));
}

TEST(Baselines, OnsetsAreRisesOfThePercussiveChannelAlone) {
  const std::vector<float> features = {0,   50,  -50,                  // harmonic
                                       9,   -9,  9,                    //
                                       -60, -20, -30, -80, -75, -10};  // percussive
  EXPECT_THAT(onset_envelope(features, kHps), ElementsAre(0, 40 + 5, 65));
  const FeatureShape mel{.channels = 1, .mel_bins = 4, .frames = 3};
  EXPECT_THAT(onset_envelope(features, mel), ElementsAre(0, 50 + 40 + 5, 18 + 65));
}

TEST(Baselines, CorrelationIsPearsons) {
  const at::Tensor anchors = at::tensor({1.0f, 2.0f, 3.0f, 4.0f, 1.0f, 0.0f, 1.0f, 0.0f});
  const at::Tensor positives = at::tensor({10.0f, 30.0f, 50.0f, 70.0f, 4.0f, 3.0f, 2.0f, 1.0f});
  const at::Tensor found = correlations(anchors.view({2, 4}), positives.view({2, 4}));
  const float zigzag = -1.0f / std::sqrt(5.0f);
  const at::Tensor expected = at::tensor({1.0f, -1.0f, zigzag, -zigzag}).view({2, 2});
  EXPECT_TRUE(at::allclose(found, expected, 0, 1e-6)) << found;
}

TEST(Baselines, GainChangesNoCorrelationOfLoudness) {
  at::manual_seed(1);
  const at::Tensor features = -60 * at::rand({4, 2, 8, 50});
  const auto envelopes = [](const at::Tensor& all) {
    const FeatureShape shape{.channels = 2, .mel_bins = 8, .frames = 50};
    at::Tensor rows = at::empty({4, 50});
    for (int64_t i = 0; i < 4; ++i) {
      const at::Tensor one = all[i].contiguous();
      const auto row = loudness_envelope({one.data_ptr<float>(), 800}, shape);
      std::ranges::copy(row, rows.data_ptr<float>() + 50 * i);
    }
    return rows;
  };
  const at::Tensor plain = envelopes(features), louder = envelopes(features + 12);
  EXPECT_TRUE(at::allclose(correlations(plain, louder), correlations(plain, plain), 0, 1e-5));
}

TEST(Baselines, ConstantEnvelopesCorrelateWithNothing) {
  const at::Tensor steady = at::full({2, 7}, 0.1f),
                   moving = at::arange(14).view({2, 7}).to(at::kFloat);
  EXPECT_TRUE(at::equal(correlations(steady, moving), at::zeros({2, 2})));
  EXPECT_TRUE(at::equal(correlations(steady, steady), at::zeros({2, 2})));
}

// Fills views with numbers of their window.
class CountingSource : public PairSource {
 public:
  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    for (size_t i = 0; i < anchor.size(); ++i) {
      anchor[i] = static_cast<float>(window * 10 + epoch) + static_cast<float>(i * i % 7);
      positive[i] = -anchor[i];
    }
  }
};

TEST(Baselines, ARecordedPairIsTheInnerOneAndItsEnvelopesLieInItsRow) {
  const auto envelopes = std::make_shared<WindowEnvelopes>(4, kHps.frames);
  const auto source = recording_source(std::make_unique<CountingSource>(), kHps, envelopes);
  std::vector<float> views[2], inner[2];
  for (auto* const pair : {views, inner}) pair[0] = pair[1] = std::vector<float>(12);
  source->make_pair(2, 3, views[0], views[1]);
  CountingSource().make_pair(2, 3, inner[0], inner[1]);
  EXPECT_EQ(views[0], inner[0]);
  EXPECT_EQ(views[1], inner[1]);
  const auto expect_row = [](const at::Tensor& rows, const std::vector<float>& expected) {
    EXPECT_TRUE(at::equal(rows[2], at::tensor(expected)));
    EXPECT_EQ(rows.count_nonzero().item<int64_t>(), rows[2].count_nonzero().item<int64_t>());
  };
  expect_row(envelopes->loudness.anchors, loudness_envelope(inner[0], kHps));
  expect_row(envelopes->loudness.positives, loudness_envelope(inner[1], kHps));
  expect_row(envelopes->onsets.anchors, onset_envelope(inner[0], kHps));
  expect_row(envelopes->onsets.positives, onset_envelope(inner[1], kHps));
}

}  // namespace
}  // namespace cocola
