#include "model/norm_silu.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/var_mean.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/images.h"
#include "support/loop_over.h"

namespace cocola {
namespace {

using testing::last;
using testing::loop_over;
using testing::relative_difference;

constexpr double kEpsilon = 1e-3;

template <typename Value>
NormImageKernels<Value> loops_of() {
  return {loop_over<NormSilu<Value>>, loop_over<NormGradientSums<Value>>,
          loop_over<NormSiluGradient<Value>>};
}

NormKernels loops() {
  return {loop_over<NormFactors>, loop_over<NormShares>, loops_of<float>(),
          loops_of<at::BFloat16>()};
}

NormMoments moments_of(const at::Tensor& x) {
  const auto [variance, mean] =
      at::var_mean(x.to(at::kFloat), at::IntArrayRef{0, 2, 3}, /*unbiased=*/false);
  return {mean, (variance + kEpsilon).rsqrt()};
}

struct Case {
  at::ScalarType type;
  int64_t rows, channels, height, width;
};

class NormWithSilu : public ::testing::TestWithParam<Case> {
 protected:
  NormWithSilu() {
    const Case& c = GetParam();
    at::manual_seed(3);
    x_ = last((at::randn({c.rows, c.channels, c.height, c.width}) * 2.0 +
               at::randn({1, c.channels, 1, 1}))
                  .to(c.type));
    grad_ = last(at::randn(x_.sizes()).to(c.type));
    parameters_ = {at::randn({c.channels}), at::randn({c.channels}), kEpsilon, true};
  }

  const double tolerance_ = GetParam().type == at::kFloat ? 1e-5 : 1e-2;
  at::Tensor x_, grad_;
  NormParameters parameters_;
};

TEST_P(NormWithSilu, CellsEqualTheLibrarysLayersAndTheirGradients) {
  const int64_t channels = x_.size(1);
  ASSERT_TRUE(norm_silu_applies(x_, parameters_));
  const NormMoments moments = moments_of(x_);
  const at::Tensor measured = at::empty({2 * channels});
  const at::Tensor y = norm_silu_forward(loops(), x_, parameters_, moments, measured);
  const NormGradients found = norm_silu_backward(loops(), x_, grad_, parameters_, moments);

  const auto leaf = [](const at::Tensor& t) {
    return t.to(at::kDouble).detach().clone().requires_grad_();
  };
  const at::Tensor x = leaf(x_), weight = leaf(parameters_.weight), bias = leaf(parameters_.bias);
  const at::Tensor statistics = at::zeros({2 * channels}, at::kDouble);
  const at::Tensor expected = at::silu(at::batch_norm(
      x, weight, bias, statistics.narrow(0, 0, channels), statistics.narrow(0, channels, channels),
      /*training=*/true, /*momentum=*/1.0, kEpsilon, false));
  expected.backward(grad_.to(at::kDouble));

  EXPECT_EQ(y.scalar_type(), x_.scalar_type());
  EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_EQ(found.x.scalar_type(), x_.scalar_type());
  EXPECT_LE(relative_difference(y, expected.detach()), tolerance_);
  EXPECT_LE(relative_difference(measured, statistics), 1e-5);
  EXPECT_LE(relative_difference(found.x, x.grad()), tolerance_);
  EXPECT_LE(relative_difference(found.weight, weight.grad()), tolerance_);
  EXPECT_LE(relative_difference(found.bias, bias.grad()), tolerance_);
}

TEST_P(NormWithSilu, AGradientInAnotherOrderOfMemoryIsTheSame) {
  const NormMoments moments = moments_of(x_);
  const NormGradients found =
      norm_silu_backward(loops(), x_, grad_.contiguous(), parameters_, moments);
  const NormGradients expected = norm_silu_backward(loops(), x_, grad_, parameters_, moments);
  EXPECT_TRUE(found.x.equal(expected.x));
  EXPECT_TRUE(found.weight.equal(expected.weight));
}

// The last has more pixels than sums of the fewest pixels could be kept of.
INSTANTIATE_TEST_SUITE_P(
    , NormWithSilu,
    ::testing::Values(Case{at::kFloat, 5, 8, 1, 1}, Case{at::kFloat, 3, 24, 5, 7},
                      Case{at::kFloat, 1, 1280, 2, 4}, Case{at::kBFloat16, 3, 40, 9, 11},
                      Case{at::kBFloat16, 2, 16, 4, 3}, Case{at::kFloat, 1, 80, 333, 500}));

TEST(NormSilu, ExtremeValuesStayInRange) {
  const at::Tensor x = last(at::zeros({1, 8, 1, 4}));
  const float values[] = {-1e30F, -100.0F, 100.0F, 1e30F};
  for (int64_t i = 0; i < 4; ++i) x.select(3, i).fill_(values[i]);
  const NormParameters plain{at::zeros({8}) + 1.0, at::zeros({8}), 0.0, true};
  const NormMoments standard{at::zeros({8}), at::zeros({8}) + 1.0};
  const at::Tensor y = norm_silu_forward(loops(), x, plain, standard, {});
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(y[0][0][0][i].item<float>(), std::max(values[i], 0.0F)) << values[i];
  }
  const NormGradients gradients =
      norm_silu_backward(loops(), x.clamp(-1e4, 1e4), at::ones_like(x), plain, standard);
  EXPECT_TRUE(gradients.x.isfinite().all().item<bool>());
}

TEST(NormSilu, AValueThatIsNotANumberStaysOne) {
  const at::Tensor x = last(at::randn({1, 8, 2, 2}));
  x[0][3][1][1].fill_(std::nanf(""));
  const NormParameters plain{at::zeros({8}) + 1.0, at::zeros({8}), kEpsilon, true};
  const NormMoments standard{at::zeros({8}), at::zeros({8}) + 1.0};
  const at::Tensor y = norm_silu_forward(loops(), x, plain, standard, {});
  EXPECT_EQ(y.isnan().sum().item<int64_t>(), 1);
}

// Rounding of its inverse must not show as a negative variance.
TEST(NormSilu, AChannelWithoutVarianceHasNone) {
  const at::Tensor x = last(at::zeros({3, 64, 4, 4}) + at::randn({1, 64, 1, 1}));
  const NormParameters plain{at::zeros({64}) + 1.0, at::zeros({64}), kEpsilon, true};
  const at::Tensor measured = at::empty({128});
  norm_silu_forward(loops(), x, plain, moments_of(x), measured);
  EXPECT_GE(measured.narrow(0, 64, 64).min().item<float>(), 0.0F);
  EXPECT_LE(measured.narrow(0, 64, 64).max().item<float>(), 1e-9F);
}

TEST(NormSilu, SaysWhatItApplies) {
  const auto image = [](int64_t channels) { return last(at::zeros({2, channels, 3, 5})); };
  const auto parameters = [](int64_t channels) {
    return NormParameters{at::zeros({channels}), at::zeros({channels}), kEpsilon, true};
  };
  EXPECT_TRUE(norm_silu_applies(image(24), parameters(24)));
  EXPECT_TRUE(norm_silu_applies(image(24).to(at::kBFloat16), parameters(24)));
  EXPECT_FALSE(norm_silu_applies(image(12), parameters(12)));
  EXPECT_FALSE(norm_silu_applies(image(24).contiguous(), parameters(24)));
  EXPECT_FALSE(norm_silu_applies(image(24).to(at::kDouble), parameters(24)));
  EXPECT_FALSE(norm_silu_applies(image(24).narrow(0, 0, 0), parameters(24)));
  const at::Tensor from_its_second_value =
      at::zeros({721}).narrow(0, 1, 720).view({2, 3, 5, 24}).permute({0, 3, 1, 2});
  EXPECT_FALSE(norm_silu_applies(from_its_second_value, parameters(24)));
  NormParameters alone = parameters(24);
  alone.silu = false;
  EXPECT_FALSE(norm_silu_applies(image(24), alone));
}

}  // namespace
}  // namespace cocola
