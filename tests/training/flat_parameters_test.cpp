#include "training/flat_parameters.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <vector>

#include "comm/communicator.h"
#include "training/synthetic.h"
#include "training/train_step.h"

namespace cocola {
namespace {

std::vector<at::Tensor> copies_of(const ModelState& state) {
  std::vector<at::Tensor> copies;
  for (const StateEntry& entry : state.entries()) copies.push_back(entry.tensor.detach().clone());
  return copies;
}

TEST(FlatParameters, ChangeNoValueAndHoldEveryParameter) {
  CocolaModel model(testing::small_model_config(), 2, 1);
  const std::vector<at::Tensor> before = copies_of(model.state());
  const FlatParameters flat(model.state());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(at::equal(before[i], model.state().entries()[i].tensor));
  }
  EXPECT_EQ(flat.values().numel(), model.state().num_parameters());
  EXPECT_EQ(flat.running().numel(), model.state().num_statistics());
}

TEST(FlatParameters, AWriteToTheFlatBufferReachesTheModel) {
  CocolaModel model(testing::small_model_config(), 2, 1);
  FlatParameters flat(model.state());
  const at::Tensor features = testing::synthetic_batch(0, 2).anchors;
  const at::Tensor before = model.embed(features, EncoderCall{}).detach();
  {
    const at::NoGradGuard no_grad;
    flat.values().mul_(1.5);
  }
  EXPECT_FALSE(at::allclose(before, model.embed(features, EncoderCall{}).detach()));
}

// Private gradient tensors made by autograd would leave parts of the flat gradient at zero.
TEST(FlatParameters, TheBackwardPassFillsTheFlatGradientItself) {
  CocolaModel model(testing::small_model_config(), 2, 1);
  FlatParameters flat(model.state());
  const auto world = open_solo_world();
  compute_gradients(model, flat, testing::synthetic_batch(0, 8), testing::small_training_config(),
                    {}, *world);
  double squares = 0;
  for (const StateEntry& entry : model.state().entries()) {
    if (entry.role != StateRole::parameter) continue;
    ASSERT_TRUE(entry.tensor.grad().defined()) << entry.name;
    EXPECT_EQ(entry.tensor.grad().storage().data(), flat.reduced().storage().data()) << entry.name;
    squares += entry.tensor.grad().square().sum().item<double>();
  }
  EXPECT_GT(squares, 0.0);
  EXPECT_NEAR(std::sqrt(squares), flat.gradients().norm().item<double>(),
              1e-5 * std::sqrt(squares));
}

}  // namespace
}  // namespace cocola
