#include "training/adam.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "comm/communicator.h"
#include "objective/contrastive_loss.h"
#include "support/golden.h"
#include "support/measured.h"

namespace cocola {
namespace {

void step(Adam& adam, at::Tensor& parameters, const at::Tensor& gradients, double learning_rate,
          bool happens = true) {
  adam.queue_step(parameters, gradients, at::full({}, learning_rate, at::kDouble),
                  at::full({}, happens, at::kBool));
  if (happens) adam.count_step();
}

class AdamAs : public ::testing::TestWithParam<AdamForm> {};

// Five steps on a bilinear head against torch.optim.Adam.
TEST_P(AdamAs, TakesTheStepsOfTorchOptimAdam) {
  // The kernel reads the learning rate as float.
  const double tolerance = GetParam() == AdamForm::parts ? 1e-12 : 1e-8;
  const SafetensorsFile golden = testing::golden("adam");
  const at::Tensor anchors = golden.get("anchors").tanh();
  const at::Tensor positives = golden.get("positives").tanh();
  at::Tensor w = golden.get("w0").clone();
  Adam adam(w, GetParam());
  const auto world = open_solo_world();
  for (int i = 1; i <= 5; ++i) {
    const ContrastiveLoss loss = contrastive_loss(anchors, positives, {w, 1.0}, *world);
    EXPECT_NEAR(loss.read_figures().loss, golden.get("loss" + std::to_string(i)).item<double>(),
                tolerance);
    step(adam, w, loss.d_w, 1e-3);
    const at::Tensor expected = golden.get("w" + std::to_string(i));
    const double error = ((w - expected).abs().max() / expected.abs().max()).item<double>();
    const char* const name = GetParam() == AdamForm::parts ? "Adam, five steps, Double"
                                                           : "Adam in a kernel, five steps, Double";
    EXPECT_LE(testing::measured(name, error, tolerance), tolerance);
  }
  EXPECT_EQ(adam.num_steps(), 5);
}

TEST_P(AdamAs, TheFirstStepMovesEveryParameterByTheLearningRate) {
  at::Tensor p = at::zeros({4}, at::kDouble);
  Adam adam(p, GetParam());
  step(adam, p, at::tensor({1.0, -1.0, 100.0, -1e-3}, at::kDouble), 0.01);
  EXPECT_TRUE(at::allclose(p, at::tensor({-0.01, 0.01, -0.01, 0.01}, at::kDouble), 1e-4, 0));
}

TEST_P(AdamAs, ContinuesFromMomentsAndNumberOfSteps) {
  const at::Tensor gradients = at::tensor({0.3f, -2.0f, 1e-5f});
  at::Tensor straight = at::ones({3});
  Adam whole(straight, GetParam());
  for (int i = 1; i <= 3; ++i) step(whole, straight, gradients * i, 0.01);

  at::Tensor interrupted = at::ones({3});
  Adam before(interrupted, GetParam());
  for (int i = 1; i <= 2; ++i) step(before, interrupted, gradients * i, 0.01);
  Adam after(interrupted, GetParam());
  after.first_moment().copy_(before.first_moment());
  after.second_moment().copy_(before.second_moment());
  after.set_num_steps(before.num_steps());
  step(after, interrupted, gradients * 3, 0.01);
  EXPECT_TRUE(at::equal(interrupted, straight));
}

// In the midst of others, with gradients and a learning rate that would spoil everything.
TEST_P(AdamAs, AStepThatDoesNotHappenChangesNothing) {
  const at::Tensor gradients = at::tensor({0.3f, -2.0f, 1e-5f});
  at::Tensor found = at::ones({3}), expected = at::ones({3});
  Adam some(found, GetParam()), all(expected, GetParam());
  for (int i = 1; i <= 4; ++i) {
    step(some, found, gradients * i, 0.01);
    step(all, expected, gradients * i, 0.01);
    step(some, found, gradients * std::nanf(""), 1e9, /*happens=*/false);
  }
  EXPECT_TRUE(at::equal(found, expected));
  EXPECT_TRUE(at::equal(some.first_moment(), all.first_moment()));
  EXPECT_TRUE(at::equal(some.second_moment(), all.second_moment()));
  EXPECT_EQ(some.num_steps(), 4);
}

std::string form_name(const ::testing::TestParamInfo<AdamForm>& test) {
  return test.param == AdamForm::parts ? "Parts" : "Kernel";
}
INSTANTIATE_TEST_SUITE_P(Forms, AdamAs, ::testing::Values(AdamForm::parts, AdamForm::kernel),
                         form_name);

TEST(Adam, TheKernelTakesTheStepsOfItsPartsToRounding) {
  at::Tensor in_parts = at::linspace(-1, 1, 1000), in_kernel = in_parts.clone();
  Adam parts(in_parts, AdamForm::parts), kernel(in_kernel, AdamForm::kernel);
  for (int i = 1; i <= 50; ++i) {
    const at::Tensor gradients = at::sin(in_parts * i);
    step(parts, in_parts, gradients, 1e-3);
    step(kernel, in_kernel, gradients, 1e-3);
  }
  EXPECT_TRUE(at::allclose(in_kernel, in_parts, 0, 1e-6));
}

TEST(Adam, OnTheCpuIsTakenInParts) {
  at::Tensor chosen = at::linspace(-1, 1, 1000), in_parts = chosen.clone();
  Adam by_device(chosen), parts(in_parts, AdamForm::parts);
  for (int i = 1; i <= 5; ++i) {
    const at::Tensor gradients = at::cos(in_parts * i);
    step(by_device, chosen, gradients, 1e-3);
    step(parts, in_parts, gradients, 1e-3);
  }
  EXPECT_TRUE(at::equal(chosen, in_parts));
}

}  // namespace
}  // namespace cocola
