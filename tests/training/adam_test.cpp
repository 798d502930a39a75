#include "training/adam.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "comm/communicator.h"
#include "objective/contrastive_loss.h"
#include "support/golden.h"
#include "support/measured.h"

namespace cocola {
namespace {

// Five steps on a bilinear head against torch.optim.Adam.
TEST(Adam, TakesTheStepsOfTorchOptimAdam) {
  const SafetensorsFile golden = testing::golden("adam");
  const at::Tensor anchors = golden.get("anchors").tanh();
  const at::Tensor positives = golden.get("positives").tanh();
  at::Tensor w = golden.get("w0").clone();
  Adam adam(w);
  const auto world = open_solo_world();
  for (int step = 1; step <= 5; ++step) {
    const ContrastiveLoss loss = contrastive_loss(anchors, positives, {w, 1.0}, *world);
    EXPECT_NEAR(loss.read_figures().loss, golden.get("loss" + std::to_string(step)).item<double>(),
                1e-12);
    adam.step(w, loss.d_w, 1e-3);
    const at::Tensor expected = golden.get("w" + std::to_string(step));
    const double error = ((w - expected).abs().max() / expected.abs().max()).item<double>();
    EXPECT_LE(testing::measured("Adam, five steps, Double", error, 1e-12), 1e-12);
  }
  EXPECT_EQ(adam.num_steps(), 5);
}

TEST(Adam, TheFirstStepMovesEveryParameterByTheLearningRate) {
  at::Tensor p = at::zeros({4}, at::kDouble);
  Adam adam(p);
  adam.step(p, at::tensor({1.0, -1.0, 100.0, -1e-3}, at::kDouble), 0.01);
  EXPECT_TRUE(at::allclose(p, at::tensor({-0.01, 0.01, -0.01, 0.01}, at::kDouble), 1e-4, 0));
}

}  // namespace
}  // namespace cocola
