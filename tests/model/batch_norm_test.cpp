#include "model/batch_norm.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "model/images.h"

namespace cocola {
namespace {

using testing::last;
using testing::relative_difference;

constexpr double kEpsilon = 1e-3;

// The library's layers; `measured` receives mean and unbiased variance.
at::Tensor library(const at::Tensor& x, const NormParameters& p, const at::Tensor& measured) {
  const int64_t channels = x.size(1);
  const at::Tensor y =
      at::batch_norm(x, p.weight, p.bias, measured.narrow(0, 0, channels),
                     measured.narrow(0, channels, channels), true, 1.0, p.epsilon, true);
  return p.silu ? at::silu(y) : y;
}

struct Result {
  at::Tensor y, measured, grad_x, grad_weight, grad_bias;
};

template <typename Normalise>
Result differentiate(const at::Tensor& x, const NormParameters& p, const Normalise& normalise) {
  const at::Tensor input = x.detach().clone().requires_grad_();
  const NormParameters leaves{p.weight.detach().clone().requires_grad_(),
                              p.bias.detach().clone().requires_grad_(), p.epsilon, p.silu};
  Result result;
  result.measured = at::zeros({2 * x.size(1)}, p.weight.options());
  const at::Tensor y = normalise(input, leaves, result.measured);
  // Uneven weights of the outputs, so that every gradient differs; each type holds them exactly.
  const at::Tensor weights = at::arange(y.numel(), at::kDouble).mul_(0.37).cos_();
  (y.to(at::kDouble) * weights.to(at::kBFloat16).to(at::kDouble).view(y.sizes())).sum().backward();
  result.y = y.detach();
  result.grad_x = input.grad();
  result.grad_weight = leaves.weight.grad();
  result.grad_bias = leaves.bias.grad();
  return result;
}

NormParameters in_double(const NormParameters& p) {
  return {p.weight.to(at::kDouble), p.bias.to(at::kDouble), p.epsilon, p.silu};
}

struct Case {
  at::ScalarType type;
  int64_t rows, channels, height, width;
  bool silu;
};

class BatchNormWithSilu : public ::testing::TestWithParam<Case> {
 protected:
  BatchNormWithSilu() {
    const Case& c = GetParam();
    at::manual_seed(1);
    x_ = last((at::randn({c.rows, c.channels, c.height, c.width}) * 3.0 +
               at::randn({1, c.channels, 1, 1}))
                  .to(c.type));
    const at::ScalarType weights = c.type == at::kDouble ? at::kDouble : at::kFloat;
    parameters_ = {at::randn({c.channels}).to(weights), at::randn({c.channels}).to(weights),
                   kEpsilon, c.silu};
  }
  Result ours() const { return differentiate(x_, parameters_, batch_norm_of_batch); }
  at::Tensor x_;
  NormParameters parameters_;
};

TEST_P(BatchNormWithSilu, EqualsTheLibrarysLayersAndTheirGradients) {
  const Case& c = GetParam();
  ASSERT_TRUE(batch_norm_applies(x_, parameters_));
  const Result found = ours();
  const Result expected = differentiate(x_.to(at::kDouble), in_double(parameters_), library);
  const double tolerance = c.type == at::kDouble ? 1e-12 : c.type == at::kFloat ? 1e-5 : 1e-2;
  EXPECT_EQ(found.y.scalar_type(), c.type);
  EXPECT_EQ(found.grad_x.scalar_type(), c.type);
  EXPECT_EQ(found.grad_weight.scalar_type(), parameters_.weight.scalar_type());
  EXPECT_TRUE(found.y.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_LE(relative_difference(found.y, expected.y), tolerance);
  EXPECT_LE(relative_difference(found.measured, expected.measured), std::min(tolerance, 1e-6));
  EXPECT_LE(relative_difference(found.grad_x, expected.grad_x), tolerance);
  EXPECT_LE(relative_difference(found.grad_weight, expected.grad_weight), tolerance);
  EXPECT_LE(relative_difference(found.grad_bias, expected.grad_bias), tolerance);
}

TEST_P(BatchNormWithSilu, AnyNumberOfThreadsGivesTheSameBytes) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Result one = ours();
  for (const int threads : {2, 3}) {
    at::set_num_threads(threads);
    const Result more = ours();
    EXPECT_TRUE(at::equal(one.y, more.y));
    EXPECT_TRUE(at::equal(one.measured, more.measured));
    EXPECT_TRUE(at::equal(one.grad_x, more.grad_x));
    EXPECT_TRUE(at::equal(one.grad_weight, more.grad_weight));
    EXPECT_TRUE(at::equal(one.grad_bias, more.grad_bias));
  }
  at::set_num_threads(before);
}

TEST_P(BatchNormWithSilu, ByRunningStatisticsEqualsTheLibrarysLayers) {
  const Case& c = GetParam();
  const auto weights = parameters_.weight.options();
  const at::Tensor mean = at::randn({c.channels}, weights);
  const at::Tensor variance = at::rand({c.channels}, weights) + 0.1;
  const NormParameters wide = in_double(parameters_);
  const at::Tensor normalised =
      at::batch_norm(x_.to(at::kDouble), wide.weight, wide.bias, mean.to(at::kDouble),
                     variance.to(at::kDouble), false, 0.0, kEpsilon, true);
  const at::Tensor found = batch_norm_of_running(x_, parameters_, mean, variance);
  const double tolerance = c.type == at::kDouble ? 1e-13 : c.type == at::kFloat ? 1e-6 : 4e-3;
  EXPECT_EQ(found.scalar_type(), c.type);
  EXPECT_LE(relative_difference(found, c.silu ? at::silu(normalised) : normalised), tolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, BatchNormWithSilu,
    ::testing::Values(
        Case{at::kFloat, 4, 16, 9, 13, true}, Case{at::kFloat, 1, 16, 1, 7, true},
        Case{at::kFloat, 1, 96, 5, 7, true}, Case{at::kFloat, 6, 24, 33, 31, false},
        Case{at::kFloat, 2, 40, 9, 5, true}, Case{at::kFloat, 16, 3, 5, 7, true},
        Case{at::kFloat, 3, 1280, 2, 15, true}, Case{at::kFloat, 8, 32, 32, 50, true},
        Case{at::kDouble, 6, 24, 33, 31, true}, Case{at::kDouble, 3, 16, 9, 13, false},
        Case{at::kDouble, 3, 1280, 2, 15, true}, Case{at::kBFloat16, 6, 24, 33, 31, false},
        Case{at::kBFloat16, 4, 16, 9, 13, true}, Case{at::kBFloat16, 2, 40, 9, 5, true}));

// A function of one number of which only the derivative along `direction` counts.
double derivative_by_differences(const at::Tensor& x, const NormParameters& p,
                                 const at::Tensor& weights, const at::Tensor& direction) {
  constexpr double kStep = 1e-5;
  const auto value = [&](double step) {
    const at::Tensor measured = at::zeros({2 * x.size(1)}, at::kDouble);
    return (batch_norm_of_batch(x + step * direction, p, measured) * weights).sum().item<double>();
  };
  return (value(kStep) - value(-kStep)) / (2.0 * kStep);
}

TEST(BatchNormRules, TheGradientIsTheSlopeOfTheResult) {
  at::manual_seed(2);
  const auto draw = [] { return last(at::randn({2, 24, 3, 4}, at::kDouble)); };
  const at::Tensor x = draw(), weights = draw(), direction = draw();
  const NormParameters p{at::randn({24}, at::kDouble), at::randn({24}, at::kDouble), kEpsilon,
                         true};
  const at::Tensor leaf = x.clone().requires_grad_();
  (batch_norm_of_batch(leaf, p, at::zeros({48}, at::kDouble)) * weights).sum().backward();
  EXPECT_NEAR((leaf.grad() * direction).sum().item<double>(),
              derivative_by_differences(x, p, weights, direction), 1e-7);
}

TEST(BatchNormRules, EachGradientIsTheSameWhateverElseIsAskedFor) {
  at::manual_seed(3);
  const at::Tensor x = last(at::randn({2, 16, 5, 6}));
  const NormParameters p{at::randn({16}), at::randn({16}), kEpsilon, true};
  const Result all = differentiate(x, p, batch_norm_of_batch);
  const at::Tensor leaf = x.clone().requires_grad_();
  const Result of_x = differentiate(
      x, p, [&](const at::Tensor& input, const NormParameters&, const at::Tensor& measured) {
        return batch_norm_of_batch(input, p, measured);
      });
  const Result of_parameters = differentiate(
      x, p, [&](const at::Tensor&, const NormParameters& leaves, const at::Tensor& measured) {
        return batch_norm_of_batch(x, leaves, measured);
      });
  EXPECT_TRUE(at::equal(all.grad_x, of_x.grad_x));
  EXPECT_FALSE(of_x.grad_weight.defined());
  EXPECT_TRUE(at::equal(all.grad_weight, of_parameters.grad_weight));
  EXPECT_TRUE(at::equal(all.grad_bias, of_parameters.grad_bias));
  EXPECT_FALSE(of_parameters.grad_x.defined());
}

TEST(BatchNormRules, AGraphMayBeWalkedTwice) {
  at::manual_seed(4);
  const at::Tensor x = last(at::randn({2, 16, 5, 6})).requires_grad_();
  const NormParameters p{at::randn({16}), at::randn({16}), kEpsilon, true};
  const at::Tensor total = batch_norm_of_batch(x, p, at::zeros({32})).square().sum();
  total.backward({}, true);
  const at::Tensor once = x.grad().clone();
  total.backward();
  EXPECT_TRUE(at::equal(x.grad(), 2 * once));
}

TEST(BatchNormRules, ASmallVarianceAroundALargeMeanIsMeasured) {
  at::manual_seed(5);
  const at::Tensor x = last(at::randn({8, 16, 20, 30}) * 1e-2 + 1e3);
  // One pixel far from all others, the first that is read.
  x[0].select(1, 0).select(1, 0).slice(0, 8) = 0.0;
  const at::Tensor measured = at::zeros({32});
  batch_norm_of_batch(x, {at::full({16}, 1.0), at::zeros({16}), kEpsilon, false}, measured);
  const at::Tensor wide = x.to(at::kDouble);
  const at::Tensor mean = wide.mean({0, 2, 3});
  const at::Tensor variance = wide.var({0, 2, 3}, true, false);
  EXPECT_LE(((measured.narrow(0, 0, 16) - mean) / mean).abs().max().item<double>(), 1e-7);
  EXPECT_LE(((measured.narrow(0, 16, 16) - variance) / variance).abs().max().item<double>(), 1e-5);
}

TEST(BatchNormRules, SiluIsExactToAFewUnitsInTheLastPlace) {
  // Identity before SiLU: mean zero, variance one.
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const at::Tensor x =
        last(at::arange(-30.0, 34.0, 1.0 / 512.0, at::kDouble).to(type).view({1, 16, 64, 32}));
    const NormParameters p{at::full({16}, 1.0, type), at::zeros({16}, type), 0.0, true};
    const at::Tensor found =
        batch_norm_of_running(x, p, at::zeros({16}, type), at::full({16}, 1.0, type));
    const at::Tensor wide = x.to(at::kDouble);
    const at::Tensor expected = wide / (1.0 + (-wide).exp());
    const at::Tensor error = (found.to(at::kDouble) - expected).abs();
    const double unit = type == at::kFloat ? 0x1p-23 : 0x1p-52;
    EXPECT_LE((error / (expected.abs() + 1e-300)).max().item<double>(), 4.0 * unit);
  }
}

TEST(BatchNormRules, ExtremeValuesPassAsThroughTheLibrary) {
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  at::Tensor x = at::zeros({1, 16, 2, 4});
  const float values[] = {100.0F, -100.0F, 88.5F,     -88.5F,     -89.5F,
                          1e30F,  -1e30F,  kInfinite, -kInfinite, std::nanf("")};
  for (int64_t i = 0; i < 10; ++i) x[0][i] = values[i];
  x = last(x);
  const at::Tensor zero = at::zeros({16}), one = at::full({16}, 1.0F);
  const NormParameters p{one, zero, 0.0, true};
  const at::Tensor found = batch_norm_of_running(x, p, zero, one);
  const at::Tensor expected = at::silu(x);
  EXPECT_TRUE(at::equal(found.isnan(), expected.isnan()));
  EXPECT_TRUE(at::equal(found.isinf(), expected.isinf()));
  const at::Tensor finite = at::isfinite(expected);
  EXPECT_TRUE(found.masked_select(finite).allclose(expected.masked_select(finite), 1e-6, 1e-30));
}

TEST(BatchNormRules, WhatIsNotANumberSpoilsItsChannelAlone) {
  at::manual_seed(6);
  at::Tensor x = at::randn({2, 16, 5, 6});
  x[1][3][2][2] = std::nanf("");
  x[0][7][4][5] = std::numeric_limits<float>::infinity();
  const Result found = differentiate(
      last(x), {at::full({16}, 1.0), at::zeros({16}), kEpsilon, true}, batch_norm_of_batch);
  for (int64_t channel = 0; channel < 16; ++channel) {
    const bool spoilt = channel == 3 || channel == 7;
    EXPECT_EQ(found.y.select(1, channel).isnan().all().item<bool>(), spoilt);
    EXPECT_EQ(found.grad_x.select(1, channel).isnan().all().item<bool>(), spoilt);
    EXPECT_EQ(found.y.select(1, channel).isnan().any().item<bool>(), spoilt);
    EXPECT_EQ(found.measured[16 + channel].isnan().item<bool>(), spoilt);
  }
}

TEST(BatchNormRules, OtherTensorsAreLeftToTheLibrary) {
  const auto parameters = [](int64_t channels, at::ScalarType type) {
    return NormParameters{at::zeros({channels}, type), at::zeros({channels}, type), kEpsilon, true};
  };
  EXPECT_TRUE(batch_norm_applies(last(at::zeros({1, 16, 3, 5})), parameters(16, at::kFloat)));
  EXPECT_TRUE(batch_norm_applies(last(at::zeros({2, 24, 3, 5})), parameters(24, at::kFloat)));
  EXPECT_FALSE(batch_norm_applies(last(at::zeros({1, 24, 3, 5})), parameters(24, at::kFloat)));
  EXPECT_FALSE(batch_norm_applies(at::zeros({2, 16, 3, 5}), parameters(16, at::kFloat)));
  EXPECT_FALSE(batch_norm_applies(last(at::zeros({0, 16, 3, 5})), parameters(16, at::kFloat)));
  EXPECT_FALSE(
      batch_norm_applies(last(at::zeros({2, 16, 3, 5}, at::kHalf)), parameters(16, at::kFloat)));
  EXPECT_FALSE(
      batch_norm_applies(last(at::zeros({2, 16, 3, 5}, at::kDouble)), parameters(16, at::kFloat)));
}

}  // namespace
}  // namespace cocola
