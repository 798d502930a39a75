#include "objective/contrastive_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/tanh.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "objective/autograd_loss.h"
#include "support/counting_allocator.h"
#include "support/golden.h"
#include "support/measured.h"
#include "support/mirrored_world.h"

namespace cocola {
namespace {

using testing::Embeddings;
using testing::expect_equal;
using testing::golden;
using ::testing::HasSubstr;
using testing::relative_error;
using testing::scattered;

class ContrastiveLossTest : public ::testing::Test {
 protected:
  std::unique_ptr<Communicator> world_ = open_host_world({});
};

// K = 4, D = 3, zero-based k, i, j: tanh sin(1 + 3k + j), tanh cos(2 + 3k + 2j),
// (i + 1)(j + 1) / 4 - [i = j].
Embeddings small_example() {
  const at::Tensor k = at::arange(4, at::kDouble).unsqueeze(1);
  const at::Tensor j = at::arange(3, at::kDouble);
  const at::Tensor one_up = j + 1.0;
  return {at::tanh(at::sin(1.0 + 3.0 * k + j)), at::tanh(at::cos(2.0 + 3.0 * k + 2.0 * j)),
          at::outer(one_up, one_up) / 4.0 - at::eye(3, at::kDouble)};
}

// Central difference of the loss in one entry of x.
double numeric_slope(const at::Tensor& x, int64_t row, int64_t column,
                     const std::function<double()>& loss) {
  const at::Tensor entry = x[row][column];
  const double step = 1e-5, original = entry.item<double>();
  entry.fill_(original + step);
  const double above = loss();
  entry.fill_(original - step);
  const double below = loss();
  entry.fill_(original);
  return (above - below) / (2.0 * step);
}

TEST_F(ContrastiveLossTest, SmallExampleGivesItsKnownAnswer) {
  const auto [anchors, positives, w] = small_example();
  const ContrastiveLoss loss = contrastive_loss(anchors, positives, {w}, *world_);
  EXPECT_NEAR(loss.read_figures().loss, 0.8635513387588911, 1e-14);
  EXPECT_NEAR(loss.d_anchors.norm().item<double>(), 0.1806514366542921, 1e-14);
  EXPECT_NEAR(loss.d_positives.norm().item<double>(), 0.3929993645240874, 1e-14);
  EXPECT_NEAR(loss.d_w.norm().item<double>(), 0.3155181289069163, 1e-14);
}

TEST_F(ContrastiveLossTest, BilinearFormEqualsTheReferenceArrays) {
  const auto arrays = golden("loss");
  const at::Tensor x = arrays.get("anchors").tanh(), y = arrays.get("positives").tanh();
  const SimilarityForm form{arrays.get("w").to(at::kDouble)};
  const ContrastiveLoss loss = contrastive_loss(x, y, form, *world_);
  // The reference gradients are those of the values before tanh.
  const auto before_tanh = [](const at::Tensor& gradient, const at::Tensor& value) {
    return gradient * (1.0 - value * value);
  };
  const double expected = arrays.get("bilinear.loss").item<double>();
  const auto gradient_error = [&](const at::Tensor& found, const std::string& name) {
    const double error = relative_error(found, arrays.get("bilinear.grad_" + name));
    return testing::measured("loss, gradients, Double", error, 1e-12);
  };
  EXPECT_LE(
      testing::measured("loss, Double", std::abs(loss.read_figures().loss / expected - 1.0), 1e-12),
      1e-12);
  EXPECT_EQ(loss.read_figures().accuracy, arrays.get("bilinear.accuracy").item<double>());
  EXPECT_LE(gradient_error(before_tanh(loss.d_anchors, x), "anchors"), 1e-12);
  EXPECT_LE(gradient_error(before_tanh(loss.d_positives, y), "positives"), 1e-12);
  EXPECT_LE(gradient_error(loss.d_w[0], "w_first_row"), 1e-12);
  EXPECT_LE(relative_error(loss.d_w.norm(), arrays.get("bilinear.grad_w_norm")), 1e-12);
  EXPECT_LE(relative_error(similarity_matrix(x, y, form), arrays.get("bilinear.similarity")),
            1e-12);
  EXPECT_EQ(loss.read_figures().max_similarity, similarity_matrix(x, y, form).max().item<double>());
}

TEST_F(ContrastiveLossTest, ScaledFormEqualsTheReferenceArrays) {
  const auto arrays = golden("loss");
  const at::Tensor x = arrays.get("anchors"), y = arrays.get("positives");
  const at::Tensor x_length = x.norm(2, 1, true), y_length = y.norm(2, 1, true);
  const at::Tensor x_unit = x / x_length, y_unit = y / y_length;
  // The reference gradients are those of the values before normalisation.
  const auto before_unit = [](const at::Tensor& gradient, const at::Tensor& unit,
                              const at::Tensor& length) {
    return (gradient - unit * (unit * gradient).sum(1, true)) / length;
  };
  for (const auto& [name, scale] : {std::pair("cosine_t1", 1.0), std::pair("cosine_t0.1", 10.0)}) {
    const auto expected = [&](const char* what) { return arrays.get(std::string(name) + what); };
    const SimilarityForm form{{}, scale};
    const ContrastiveLoss loss = contrastive_loss(x_unit, y_unit, form, *world_);
    EXPECT_NEAR(loss.read_figures().loss / expected(".loss").item<double>(), 1.0, 1e-12);
    EXPECT_EQ(loss.read_figures().accuracy, expected(".accuracy").item<double>());
    EXPECT_LE(
        relative_error(before_unit(loss.d_anchors, x_unit, x_length), expected(".grad_anchors")),
        1e-12);
    EXPECT_LE(relative_error(before_unit(loss.d_positives, y_unit, y_length),
                             expected(".grad_positives")),
              1e-12);
    EXPECT_LE(relative_error(similarity_matrix(x_unit, y_unit, form), expected(".similarity")),
              1e-12);
    EXPECT_FALSE(loss.d_w.defined());
  }
}

TEST_F(ContrastiveLossTest, GradientIsTheSlopeOfTheLoss) {
  const auto [anchors, positives, w] = scattered(6, 5);
  const SimilarityForm form{w};
  const ContrastiveLoss loss = contrastive_loss(anchors, positives, form, *world_);
  const auto again = [&, &a = anchors, &p = positives] {
    return contrastive_loss(a, p, form, *world_).read_figures().loss;
  };
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(loss.d_anchors[i][i].item<double>(), numeric_slope(anchors, i, i, again), 1e-9);
    EXPECT_NEAR(loss.d_positives[i][i].item<double>(), numeric_slope(positives, i, i, again), 1e-9);
    EXPECT_NEAR(loss.d_w[i][4 - i].item<double>(), numeric_slope(w, i, 4 - i, again), 1e-9);
  }
}

TEST_F(ContrastiveLossTest, BothDirectionsGiveTheirKnownAnswer) {
  const auto [anchors, positives, w] = small_example();
  const ContrastiveLoss loss =
      contrastive_loss(anchors, positives, {w}, *world_, {LossDirections::both});
  EXPECT_NEAR(loss.read_figures().loss, 0.8631262827808726, 1e-14);
}

TEST_F(ContrastiveLossTest, BothDirectionsAreOneThatSwapsTheViews) {
  const auto [anchors, positives, w] = scattered(9, 5);
  const ContrastiveLoss both =
      contrastive_loss(anchors, positives, {w}, *world_, {LossDirections::both});
  const ContrastiveLoss swapped =
      contrastive_loss(positives, anchors, {w.t()}, *world_, {LossDirections::both});
  EXPECT_NEAR(both.read_figures().loss, swapped.read_figures().loss, 1e-14);
  EXPECT_LE(relative_error(both.d_anchors, swapped.d_positives), 1e-13);
  EXPECT_LE(relative_error(both.d_positives, swapped.d_anchors), 1e-13);
  EXPECT_LE(relative_error(both.d_w, swapped.d_w.t()), 1e-13);
}

TEST_F(ContrastiveLossTest, TilesOfAnySizeGiveWhatAutogradGives) {
  const Embeddings step = scattered(12, 7);
  for (const SimilarityForm& form : {SimilarityForm{step.w}, SimilarityForm{{}, 2.5}}) {
    for (const LossDirections directions : {LossDirections::one, LossDirections::both}) {
      const ContrastiveLoss expected = testing::autograd_loss(step, form, directions);
      for (const int64_t tile : {0, 1, 2, 3, 4, 6, 12}) {
        SCOPED_TRACE(tile);
        expect_equal(
            contrastive_loss(step.anchors, step.positives, form, *world_, {directions, tile}),
            expected);
      }
    }
  }
}

TEST_F(ContrastiveLossTest, TilesByBudgetGiveWhatAutogradGives) {
  // The [3000, 3000] similarities take two tiles of unequal height.
  const Embeddings step = scattered(3000, 4);
  expect_equal(contrastive_loss(step.anchors, step.positives, {step.w}, *world_),
               testing::autograd_loss(step, {step.w}, LossDirections::one));
}

TEST_F(ContrastiveLossTest, LargeSimilaritiesDoNotOverflow) {
  const at::Tensor unit = at::eye(4, at::kFloat);
  const ContrastiveLoss loss = contrastive_loss(unit, unit.flip(0), {{}, 500.0}, *world_);
  EXPECT_FLOAT_EQ(static_cast<float>(loss.read_figures().loss), 500.0F);
  EXPECT_EQ(loss.read_figures().max_similarity, 500.0);
  EXPECT_EQ(loss.read_figures().accuracy, 0.0);
  EXPECT_EQ(loss.read_figures().mean_similarity, 125.0);
  EXPECT_EQ(loss.read_figures().softmax_entropy, 0.0);
  EXPECT_TRUE(loss.d_anchors.isfinite().all().item<bool>());
}

TEST_F(ContrastiveLossTest, EqualSimilaritiesCountForTheLowestIndex) {
  const at::Tensor same = at::ones({5, 3}, at::kDouble);
  const ContrastiveLoss loss = contrastive_loss(same, same, {}, *world_);
  EXPECT_NEAR(loss.read_figures().accuracy, 1.0 / 5.0, 1e-15);
  EXPECT_NEAR(loss.read_figures().loss, std::log(5.0), 1e-14);
  EXPECT_NEAR(loss.read_figures().softmax_entropy, std::log(5.0), 1e-14);
}

TEST_F(ContrastiveLossTest, StaysInTheTypeOfTheEmbeddingsAndOutOfTheGraph) {
  auto [anchors, positives, w] = small_example();
  anchors = anchors.to(at::kFloat).requires_grad_(true);
  positives = positives.to(at::kFloat);
  const SimilarityForm form{w.to(at::kFloat)};
  const ContrastiveLoss loss = contrastive_loss(anchors, positives, form, *world_);
  EXPECT_NEAR(loss.read_figures().loss, 0.8635513387588911, 1e-6);
  EXPECT_EQ(loss.d_anchors.scalar_type(), at::kFloat);
  EXPECT_FALSE(loss.d_anchors.requires_grad());
  EXPECT_FALSE(loss.d_w.requires_grad());
}

TEST_F(ContrastiveLossTest, RefusesShapesAndTypesThatDisagree) {
  const auto [anchors, positives, w] = small_example();
  const auto refused = [&](const at::Tensor& a, const at::Tensor& p, const SimilarityForm& form) {
    try {
      contrastive_loss(a, p, form, *world_);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refused(anchors, positives.narrow(0, 0, 3), {w}), HasSubstr("4 anchors and 3"));
  EXPECT_THAT(refused(anchors, positives.narrow(1, 0, 2), {w}), HasSubstr("[4, 2]"));
  EXPECT_THAT(refused(anchors, positives.to(at::kFloat), {w}), HasSubstr("Float"));
  EXPECT_THAT(refused(anchors, positives, {w.narrow(0, 0, 2)}), HasSubstr("[2, 3]"));
  EXPECT_THAT(refused(anchors, at::Tensor(), {w}), HasSubstr("undefined"));
  EXPECT_THAT(refused(anchors.narrow(0, 0, 1), positives.narrow(0, 0, 1), {w}),
              HasSubstr("2 pairs or more"));
}

TEST_F(ContrastiveLossTest, RefusesTilesThatDoNotFill) {
  const auto [anchors, positives, w] = small_example();
  for (const int64_t tile : {-1, 3, 8}) {
    EXPECT_THROW(contrastive_loss(anchors, positives, {w}, *world_, {LossDirections::one, tile}),
                 Error)
        << tile;
  }
}

struct Share {
  int64_t num_own, world_size, embedding_size;
};

class LossMemory : public ::testing::TestWithParam<Share> {};

TEST_P(LossMemory, StaysWithinItsFormula) {
  const auto [num_own, world_size, embedding_size] = GetParam();
  const Embeddings own = scattered(num_own, embedding_size);
  const at::Tensor anchors = own.anchors.to(at::kFloat), positives = own.positives.to(at::kFloat);
  const SimilarityForm form{own.w.to(at::kFloat)};
  testing::MirroredWorld world(world_size);
  for (const LossDirections directions : {LossDirections::one, LossDirections::both}) {
    const LossOptions options{directions};
    const testing::CountedTensors counted;
    const size_t before = testing::CountingAllocator::live();
    testing::CountingAllocator::reset_peak();
    contrastive_loss(anchors, positives, form, world, options);
    const auto taken = static_cast<double>(testing::CountingAllocator::peak() - before);
    const auto expected = static_cast<double>(contrastive_loss_bytes(
        num_own, num_own * world_size, embedding_size, sizeof(float), options));
    EXPECT_LE(taken, expected);
    EXPECT_GE(taken, 0.8 * expected);
  }
}

// Two tiles of nearly the largest step; one where the gathered embeddings are most; one where W is.
INSTANTIATE_TEST_SUITE_P(, LossMemory,
                         ::testing::Values(Share{320, 204, 16}, Share{64, 64, 512},
                                           Share{32, 2, 1024}));

}  // namespace
}  // namespace cocola
