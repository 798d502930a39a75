#include "model/excitation.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <vector>

#include "model/images.h"

namespace cocola {
namespace {

using testing::last;
using testing::relative_difference;

at::Tensor library(const at::Tensor& x, const ExcitationParameters& p) {
  const at::Tensor squeezed = at::silu(at::conv2d(x.mean({2, 3}, true), p.reduce, p.reduce_bias));
  return x * at::sigmoid(at::conv2d(squeezed, p.restore, p.restore_bias));
}

// The result, then the gradients of x and of all parameters.
template <typename Excite>
std::vector<at::Tensor> differentiate(const at::Tensor& x, const ExcitationParameters& p,
                                      at::ScalarType weights, const Excite& excite) {
  const auto leaf = [&](const at::Tensor& t) {
    return t.to(weights, false, true).requires_grad_();
  };
  const at::Tensor input = x.detach().clone().requires_grad_();
  const ExcitationParameters leaves{leaf(p.reduce), leaf(p.reduce_bias), leaf(p.restore),
                                    leaf(p.restore_bias)};
  const at::Tensor y = excite(input, leaves);
  // Uneven weights of the outputs, so that every gradient differs; each type holds them exactly.
  const at::Tensor slopes = at::arange(y.numel(), at::kDouble).mul_(0.37).cos_().to(at::kBFloat16);
  (y.to(at::kDouble) * slopes.to(at::kDouble).view(y.sizes())).sum().backward();
  return {y.detach(),
          input.grad(),
          leaves.reduce.grad(),
          leaves.reduce_bias.grad(),
          leaves.restore.grad(),
          leaves.restore_bias.grad()};
}

struct Case {
  at::ScalarType type;
  int64_t rows, channels, squeezed, height, width;
};

class Excitation : public ::testing::TestWithParam<Case> {
 protected:
  Excitation() {
    const Case& c = GetParam();
    at::manual_seed(1);
    x_ = last((at::randn({c.rows, c.channels, c.height, c.width}) + 0.5).to(c.type));
    const at::ScalarType weights = weights_type();
    parameters_ = {
        at::randn({c.squeezed, c.channels, 1, 1}, weights) * 0.3, at::randn({c.squeezed}, weights),
        at::randn({c.channels, c.squeezed, 1, 1}, weights), at::randn({c.channels}, weights)};
  }
  at::ScalarType weights_type() const {
    return GetParam().type == at::kDouble ? at::kDouble : at::kFloat;
  }
  std::vector<at::Tensor> ours() const {
    return differentiate(x_, parameters_, weights_type(), excitation);
  }
  at::Tensor x_;
  ExcitationParameters parameters_;
};

TEST_P(Excitation, EqualsTheLibrarysLayersAndTheirGradients) {
  const Case& c = GetParam();
  ASSERT_TRUE(excitation_applies(x_, parameters_));
  const std::vector<at::Tensor> found = ours();
  const std::vector<at::Tensor> expected =
      differentiate(x_.to(at::kDouble), parameters_, at::kDouble, library);
  const double tolerance = c.type == at::kDouble ? 1e-12 : c.type == at::kFloat ? 2e-5 : 1e-2;
  EXPECT_EQ(found[0].scalar_type(), c.type);
  EXPECT_TRUE(found[0].is_contiguous(at::MemoryFormat::ChannelsLast));
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].sizes(), expected[i].sizes());
    EXPECT_LE(relative_difference(found[i], expected[i]), tolerance) << i;
  }
}

// Its matrix products are the library's, which on some processors splits them by the number of
// threads.
TEST_P(Excitation, TheNumberOfThreadsChangesItByRoundingAlone) {
  const at::ScalarType type = GetParam().type;
  const double tolerance = type == at::kDouble ? 1e-14 : type == at::kFloat ? 1e-5 : 1e-2;
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const std::vector<at::Tensor> one = ours();
  for (const int threads : {2, 3}) {
    at::set_num_threads(threads);
    const std::vector<at::Tensor> more = ours();
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_LE(relative_difference(more[i], one[i]), tolerance) << i;
    }
  }
  at::set_num_threads(before);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Excitation,
    ::testing::Values(Case{at::kFloat, 4, 32, 8, 9, 13}, Case{at::kFloat, 1, 96, 4, 33, 31},
                      Case{at::kFloat, 3, 1152, 48, 2, 15}, Case{at::kFloat, 2, 16, 1, 1, 1},
                      Case{at::kDouble, 3, 144, 6, 5, 7}, Case{at::kBFloat16, 4, 32, 8, 9, 13},
                      Case{at::kBFloat16, 3, 240, 10, 5, 7}));

TEST(ExcitationRules, AutocastLeavesItsMatricesAlone) {
  at::manual_seed(2);
  const at::Tensor x = last(at::randn({2, 16, 3, 5}).to(at::kBFloat16));
  const ExcitationParameters p{at::randn({4, 16, 1, 1}), at::randn({4}), at::randn({16, 4, 1, 1}),
                               at::randn({16})};
  const at::Tensor plain = excitation(x, p);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const at::Tensor cast = excitation(x, p);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_TRUE(at::equal(plain, cast));
}

TEST(ExcitationRules, OtherTensorsAreLeftToTheLibrary) {
  const auto parameters = [](int64_t channels) {
    return ExcitationParameters{at::zeros({4, channels, 1, 1}), at::zeros({4}),
                                at::zeros({channels, 4, 1, 1}), at::zeros({channels})};
  };
  EXPECT_TRUE(excitation_applies(last(at::zeros({2, 32, 3, 5})), parameters(32)));
  EXPECT_FALSE(excitation_applies(at::zeros({2, 32, 3, 5}), parameters(32)));
  EXPECT_FALSE(excitation_applies(last(at::zeros({2, 24, 3, 5})), parameters(24)));
  EXPECT_FALSE(excitation_applies(last(at::zeros({2, 32, 3, 5}, at::kDouble)), parameters(32)));
  EXPECT_FALSE(excitation_applies(last(at::zeros({0, 32, 3, 5})), parameters(32)));
}

}  // namespace
}  // namespace cocola
