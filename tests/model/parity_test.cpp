// The network against the reference arrays of the published method.
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/json.h"
#include "model/cocola_model.h"
#include "model/golden_weights.h"
#include "support/golden.h"
#include "support/measured.h"

namespace cocola {
namespace {

struct Case {
  const char* kind;
  int64_t in_channels;
  at::ScalarType dtype;
  double tolerance, training_tolerance;
};

class Parity : public ::testing::TestWithParam<Case> {
 protected:
  Parity() : reference_(testing::golden(std::string("encoder_") + GetParam().kind)) {}

  static Json facts() {
    const std::filesystem::path path = testing::golden_directory() / "golden.json";
    return parse_json_strictly(read_file(path, 1 << 24), path.string());
  }

  // Without dropout and drop-connect, filled with the reference's weights.
  static std::unique_ptr<CocolaModel> make_model() {
    ModelConfig config;
    config.dropout = 0.0;
    config.drop_connect = 0.0;
    auto model = std::make_unique<CocolaModel>(config, GetParam().in_channels, 1);
    model->to(GetParam().dtype);
    testing::fill_with_golden_weights(*model, facts().at("salt").get<uint64_t>());
    return model;
  }

  at::Tensor features() const { return reference_.get("features_fp16").to(GetParam().dtype); }

  void expect_equal(const std::string& name, const at::Tensor& found, double tolerance) const {
    const at::Tensor expected = reference_.get(name).to(at::kDouble);
    ASSERT_EQ(found.sizes(), expected.sizes()) << name;
    const at::Tensor scale = expected.abs().max().clamp_min(1e-30);
    const double error = ((found.to(at::kDouble) - expected).abs().max() / scale).item<double>();
    EXPECT_LE(testing::measured(stage_of(name), error, tolerance), tolerance) << name;
  }

  // "encoder blocks, hps, Float": names of one stage share a line of the table of errors.
  static std::string stage_of(const std::string& name) {
    std::string stage = name.substr(0, name.rfind('.'));
    if (name.starts_with("block") || name.starts_with("bn")) stage = "encoder blocks";
    if (name.starts_with("train.")) stage = "training, " + name.substr(6);
    if (name.starts_with("train.grad")) stage = "training, gradients";
    if (name.starts_with("train.running")) stage = "training, statistics";
    return fmt::format("{}, {}", stage, c10::toString(GetParam().dtype));
  }

  SafetensorsFile reference_;
};

TEST_P(Parity, NamesOrderAndShapesAreTheOriginals) {
  const Json expected = facts().at(GetParam().kind).at("state");
  const auto model = make_model();
  const auto& entries = model->state().entries();
  ASSERT_EQ(entries.size(), expected.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].name, expected[i].at("name").get<std::string>());
    EXPECT_EQ(entries[i].tensor.sizes().vec(), expected[i].at("shape").get<std::vector<int64_t>>())
        << entries[i].name;
  }
}

TEST_P(Parity, EvaluationAgreesAtEveryStage) {
  const at::NoGradGuard no_grad;
  const auto model = make_model();
  const double tolerance = GetParam().tolerance;
  int stages = 0;
  EncoderCall call;
  call.observe = [&](const std::string& name, const at::Tensor& y) {
    ++stages;
    if (name == "pooled") return expect_equal(name, y, tolerance);
    const at::Tensor wide = y.to(at::kDouble).contiguous().flatten();
    expect_equal(name + ".mean_std", at::stack({wide.mean(), wide.std()}), tolerance);
    expect_equal(name + ".first16", wide.narrow(0, 0, 16), tolerance);
  };
  const at::Tensor embedding = model->embed(features().narrow(0, 0, 3), call);
  EXPECT_EQ(stages, 16 + 3);
  expect_equal("embedding", embedding, tolerance);
  const at::Tensor score = at::matmul(embedding.narrow(0, 0, 1), model->bilinear_weight())
                               .mul(embedding.narrow(0, 1, 1))
                               .sum(-1);
  expect_equal("pairwise_score", score, tolerance);
}

TEST_P(Parity, TrainingAgreesInLossGradientsAndStatistics) {
  const auto model = make_model();
  const double tolerance = GetParam().training_tolerance;
  const at::Tensor old_mean = model->state().entries()[3].tensor.clone();
  const at::Tensor old_var = model->state().entries()[4].tensor.clone();
  EncoderCall call;
  call.training = true;
  call.statistics = at::zeros({model->state().num_statistics()}, GetParam().dtype);
  const at::Tensor embedding = model->embed(features(), call);
  const at::Tensor similarity =
      at::matmul(at::matmul(embedding.narrow(0, 0, 4), model->bilinear_weight()),
                 embedding.narrow(0, 4, 4).t());
  const at::Tensor loss = -at::log_softmax(similarity, 1).diagonal().mean();
  loss.backward();

  std::vector<at::Tensor> norms, firsts;
  for (const StateEntry& entry : model->state().entries()) {
    if (entry.role != StateRole::parameter) continue;
    const at::Tensor gradient = entry.tensor.grad().contiguous().flatten();
    norms.push_back(gradient.norm());
    firsts.push_back(gradient.narrow(0, 0, 4));
  }
  expect_equal("train.similarity", similarity.detach(), tolerance);
  expect_equal("train.loss", loss.detach(), tolerance);
  expect_equal("train.grad_norm", at::stack(norms), tolerance);
  expect_equal("train.grad_first4", at::stack(firsts), tolerance);
  const double momentum = 0.01;
  const int64_t stem = 32;
  const at::Tensor mean = call.statistics.narrow(0, 0, stem);
  const at::Tensor var = call.statistics.narrow(0, stem, stem);
  expect_equal("train.running_mean_bn0", at::lerp(old_mean, mean, momentum), tolerance);
  expect_equal("train.running_var_bn0", at::lerp(old_var, var, momentum), tolerance);
  EXPECT_TRUE(at::equal(model->state().entries()[3].tensor, old_mean));
}

INSTANTIATE_TEST_SUITE_P(Golden, Parity,
                         ::testing::Values(Case{"hps", 2, at::kFloat, 2e-5, 2e-4},
                                           Case{"hps", 2, at::kDouble, 1e-10, 1e-9},
                                           Case{"mel", 1, at::kFloat, 2e-5, 2e-4},
                                           Case{"mel", 1, at::kDouble, 1e-10, 1e-9}),
                         [](const auto& test) {
                           return std::string(test.param.kind) + c10::toString(test.param.dtype);
                         });

}  // namespace
}  // namespace cocola
