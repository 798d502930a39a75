#include "model/depthwise.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "model/images.h"

namespace cocola {
namespace {

using testing::relative_difference;

struct Case {
  at::ScalarType type;
  int64_t channels, height, width, kernel, stride, pad_before, pad_after;
};

struct Result {
  at::Tensor y, grad_x, grad_weight;
};

template <typename Convolve>
Result differentiate(const at::Tensor& x, const at::Tensor& weight, const Convolve& convolve) {
  const at::Tensor input = x.detach().clone().requires_grad_();
  const at::Tensor factors = weight.detach().clone().requires_grad_();
  const at::Tensor y = convolve(input, factors);
  // Uneven weights of the outputs, so that every gradient differs.
  y.to(at::kDouble)
      .mul(at::arange(y.numel(), at::kDouble).mul_(0.37).cos_().view_as(y))
      .sum()
      .backward();
  return {y.detach(), input.grad(), factors.grad()};
}

class Depthwise : public ::testing::TestWithParam<Case> {
 protected:
  Depthwise() {
    const Case& c = GetParam();
    at::manual_seed(1);
    x_ = at::randn({3, c.channels, c.height, c.width})
             .to(c.type)
             .contiguous(at::MemoryFormat::ChannelsLast);
    weight_ = at::randn({c.channels, 1, c.kernel, c.kernel})
                  .to(c.type == at::kDouble ? at::kDouble : at::kFloat);
  }
  Result ours() const {
    const Case& c = GetParam();
    return differentiate(x_, weight_, [&](const at::Tensor& x, const at::Tensor& weight) {
      return depthwise_convolution(x, weight, c.stride, c.pad_before, c.pad_after);
    });
  }
  at::Tensor x_, weight_;
};

TEST_P(Depthwise, EqualsThePlainConvolutionAndItsGradients) {
  const Case& c = GetParam();
  ASSERT_TRUE(depthwise_applies(x_, weight_));
  const Result found = ours();
  const Result expected = differentiate(
      x_.to(at::kDouble), weight_.to(at::kDouble),
      [&](const at::Tensor& x, const at::Tensor& weight) {
        const at::Tensor padded =
            at::constant_pad_nd(x, {c.pad_before, c.pad_after, c.pad_before, c.pad_after});
        return at::conv2d(padded, weight, {}, c.stride, at::IntArrayRef{0}, 1, c.channels);
      });
  const double tolerance = c.type == at::kDouble ? 1e-13 : c.type == at::kFloat ? 1e-5 : 1e-2;
  EXPECT_EQ(found.y.scalar_type(), c.type);
  EXPECT_TRUE(found.y.is_contiguous(at::MemoryFormat::ChannelsLast));
  ASSERT_EQ(found.y.sizes(), expected.y.sizes());
  EXPECT_LE(relative_difference(found.y, expected.y), tolerance);
  EXPECT_LE(relative_difference(found.grad_x, expected.grad_x), tolerance);
  EXPECT_LE(relative_difference(found.grad_weight, expected.grad_weight), tolerance);
}

TEST_P(Depthwise, AnyNumberOfThreadsGivesTheSameBytes) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Result one = ours();
  at::set_num_threads(3);
  const Result three = ours();
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one.y, three.y));
  EXPECT_TRUE(at::equal(one.grad_x, three.grad_x));
  EXPECT_TRUE(at::equal(one.grad_weight, three.grad_weight));
}

INSTANTIATE_TEST_SUITE_P(Shapes, Depthwise,
                         ::testing::Values(Case{at::kFloat, 16, 9, 14, 3, 1, 1, 1},
                                           Case{at::kFloat, 112, 8, 13, 3, 2, 0, 1},
                                           Case{at::kFloat, 48, 2, 15, 5, 1, 2, 2},
                                           Case{at::kFloat, 64, 7, 12, 5, 2, 1, 2},
                                           Case{at::kFloat, 16, 2, 2, 5, 2, 1, 2},
                                           Case{at::kDouble, 64, 7, 12, 5, 2, 1, 2},
                                           Case{at::kDouble, 16, 9, 14, 3, 1, 1, 1},
                                           Case{at::kBFloat16, 64, 7, 12, 5, 2, 1, 2},
                                           Case{at::kBFloat16, 16, 9, 14, 3, 1, 1, 1}));

TEST(DepthwiseRules, Bfloat16RoundsAsTheLibraryDoesAndKeepsWhatIsNotANumber) {
  // One tap of one, all others zero: the output is the input times 1 + 2^-8, rounded once.
  at::Tensor x = at::randn({1, 16, 4, 4}).to(at::kBFloat16);
  x[0][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  x[0][1][0][0] = std::numeric_limits<float>::infinity();
  x = x.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor weight = at::zeros({16, 1, 3, 3});
  weight.select(3, 1).select(2, 1).fill_(1.0 + 0x1p-8);
  // Only position (0, 0) may see the odd values.
  const at::Tensor y = depthwise_convolution(x, weight, 1, 1, 1);
  const at::Tensor expected = (x.to(at::kFloat) * (1.0 + 0x1p-8)).to(at::kBFloat16);
  EXPECT_TRUE(y[0][0][0][0].isnan().item<bool>());
  EXPECT_EQ(y[0][1][0][0].item<float>(), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(at::equal(y.narrow(1, 2, 14), expected.narrow(1, 2, 14)));
}

TEST(DepthwiseRules, OtherTensorsAreLeftToTheLibrary) {
  const auto last = [](const at::Tensor& x) {
    return x.contiguous(at::MemoryFormat::ChannelsLast);
  };
  const at::Tensor weight = at::zeros({32, 1, 3, 3});
  EXPECT_TRUE(depthwise_applies(last(at::zeros({2, 32, 5, 5})), weight));
  EXPECT_FALSE(depthwise_applies(at::zeros({2, 32, 5, 5}), weight));
  EXPECT_FALSE(depthwise_applies(last(at::zeros({2, 24, 5, 5})), at::zeros({24, 1, 3, 3})));
  EXPECT_FALSE(depthwise_applies(last(at::zeros({2, 32, 5, 5})), at::zeros({32, 1, 7, 7})));
  EXPECT_FALSE(depthwise_applies(last(at::zeros({2, 32, 5, 5}, at::kDouble)), weight));
  EXPECT_FALSE(depthwise_applies(last(at::zeros({2, 32, 5, 5}, at::kHalf)), weight));
}

TEST(DepthwiseRules, AnImageSmallerThanTheKernelIsRefused) {
  const at::Tensor x = at::zeros({1, 16, 8, 1}).contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_THROW(depthwise_convolution(x, at::zeros({16, 1, 5, 5}), 2, 1, 2), Error);
}

}  // namespace
}  // namespace cocola
