#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <utility>

#include "model/batch_norm.h"
#include "model/images.h"

namespace cocola {
namespace {

using testing::last;
using testing::relative_difference;

class BatchNormOnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA in this build, or no GPU in this machine";
  }
};

struct Result {
  at::Tensor y, measured, grad_x, grad_weight, grad_bias;
};

Result differentiate(const at::Tensor& x, const NormParameters& p, at::Device device) {
  const auto leaf = [&](const at::Tensor& t) {
    return t.detach().to(device, t.scalar_type(), false, true).requires_grad_();
  };
  const at::Tensor input = leaf(x);
  const NormParameters leaves{leaf(p.weight), leaf(p.bias), p.epsilon, p.silu};
  const at::Tensor measured = at::zeros({2 * x.size(1)}, leaves.weight.options());
  EXPECT_TRUE(batch_norm_applies(input, leaves));
  const at::Tensor y = batch_norm_of_batch(input, leaves, measured);
  at::manual_seed(5);
  y.backward(at::randn(y.sizes()).to(y.scalar_type()).to(device));
  return {y.detach().cpu(), measured.cpu(), input.grad().cpu(), leaves.weight.grad().cpu(),
          leaves.bias.grad().cpu()};
}

TEST_F(BatchNormOnGpu, EqualsThatOfTheCpu) {
  for (const auto& [type, tolerance] : {std::pair(at::kFloat, 1e-4), {at::kBFloat16, 2e-2}}) {
    for (const int64_t channels : {16, 144, 1280}) {
      at::manual_seed(4);
      const at::Tensor x =
          last((at::randn({6, channels, 9, 14}) * 2.0 + at::randn({1, channels, 1, 1})).to(type));
      x.select(1, 0).mul_(1e-3);  // a channel with little variance
      const NormParameters p{at::randn({channels}), at::randn({channels}), 1e-3, true};
      const Result found = differentiate(x, p, at::Device("cuda:0"));
      const Result expected = differentiate(x, p, at::kCPU);
      EXPECT_LE(relative_difference(found.y, expected.y), tolerance) << channels;
      EXPECT_LE(relative_difference(found.measured, expected.measured), 1e-4) << channels;
      EXPECT_NEAR(found.measured[channels].item<double>(),
                  expected.measured[channels].item<double>(), 1e-9);
      EXPECT_LE(relative_difference(found.grad_x, expected.grad_x), tolerance) << channels;
      EXPECT_LE(relative_difference(found.grad_weight, expected.grad_weight), tolerance);
      EXPECT_LE(relative_difference(found.grad_bias, expected.grad_bias), tolerance);

      const at::Tensor mean = at::randn({channels}), variance = at::randn({channels}).square();
      const auto there = [](const at::Tensor& t) { return t.to(at::kCUDA); };
      EXPECT_LE(relative_difference(
                    batch_norm_of_running(there(x), {there(p.weight), there(p.bias), 1e-3, true},
                                          there(mean), there(variance))
                        .cpu(),
                    batch_norm_of_running(x, p, mean, variance)),
                tolerance);
    }
  }
}

}  // namespace
}  // namespace cocola
