#include "model/cocola_model.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "model/golden_weights.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;

// Small and quick: 7 blocks of at least 8 channels.
ModelConfig tiny(SimilarityKind similarity = SimilarityKind::bilinear) {
  ModelConfig config;
  config.similarity = similarity;
  config.width = 0.1;
  config.depth = 0.4;
  config.embedding_size = 16;
  return config;
}

at::Tensor tensor(const CocolaModel& model, const std::string& name) {
  for (const StateEntry& entry : model.state().entries()) {
    if (entry.name == name) return entry.tensor;
  }
  return {};
}

at::Tensor some_features(int64_t rows, uint64_t seed = 1) {
  at::manual_seed(seed);
  return at::rand({rows, 2, 64, 50}) * -80.0;
}

TEST(CocolaModel, ParameterCountsAreTheOriginals) {
  EXPECT_EQ(CocolaModel(ModelConfig{}, 2, 1).state().num_parameters(), 4926300);
  EXPECT_EQ(CocolaModel(ModelConfig{}, 1, 1).state().num_parameters(), 4926012);
}

TEST(CocolaModel, CosineHasNoNormAndNoBilinearForm) {
  const CocolaModel bilinear(tiny(), 2, 1), cosine(tiny(SimilarityKind::cosine), 2, 1);
  EXPECT_EQ(cosine.state().entries().size() + 3, bilinear.state().entries().size());
  EXPECT_FALSE(tensor(cosine, "layer_norm.weight").defined());
  EXPECT_FALSE(cosine.bilinear_weight().defined());
  EXPECT_DOUBLE_EQ(bilinear.similarity_scale(), 1.0);
  EXPECT_DOUBLE_EQ(cosine.similarity_scale(), 10.0);
  const at::Tensor lengths = cosine.embed(some_features(3), {}).norm(2, 1);
  EXPECT_TRUE(at::allclose(lengths, at::ones({3})));
}

TEST(CocolaModel, InitialWeightsFollowPyTorchsLaws) {
  const CocolaModel model(ModelConfig{}, 2, 7);
  const std::string last = "encoder.encoder.model.0._blocks.15.";
  const auto expect_uniform = [&](const std::string& name, double fan_in) {
    const at::Tensor values = tensor(model, name).detach();
    const double bound = 1.0 / std::sqrt(fan_in);
    EXPECT_LE(values.abs().max().item<double>(), bound) << name;
    EXPECT_NEAR(values.std().item<double>(), bound / std::sqrt(3.0), 0.1 * bound) << name;
    EXPECT_NEAR(values.mean().item<double>(), 0.0, 0.2 * bound) << name;
  };
  expect_uniform("encoder.projection.weight", 1280);
  expect_uniform("encoder.projection.bias", 1280);
  expect_uniform(last + "_depthwise_conv.weight", 9);
  expect_uniform(last + "_se_reduce.bias", 1152);
  expect_uniform(last + "_se_expand.bias", 48);
  EXPECT_TRUE((tensor(model, last + "_bn2.weight") == 1.0).all().item<bool>());
  EXPECT_TRUE((tensor(model, last + "_bn2.bias") == 0.0).all().item<bool>());
  EXPECT_TRUE((tensor(model, "layer_norm.bias") == 0.0).all().item<bool>());
  const at::Tensor w = model.bilinear_weight().detach();
  EXPECT_NEAR(w.std().item<double>(), 0.05, 5e-4);
  EXPECT_NEAR(w.mean().item<double>(), 0.0, 5e-4);
}

TEST(CocolaModel, TheIdentityStartIsAScaledIdentity) {
  ModelConfig config = tiny();
  config.similarity_init = SimilarityInit::identity;
  EXPECT_TRUE(at::equal(CocolaModel(config, 2, 1).bilinear_weight(), 0.05 * at::eye(16)));
}

TEST(CocolaModel, SeedAndNameDecideInitialWeights) {
  const CocolaModel one(tiny(), 2, 1), same(tiny(), 2, 1), other(tiny(), 2, 2);
  const CocolaModel cosine(tiny(SimilarityKind::cosine), 2, 1);
  const std::string name = "encoder.projection.weight";
  EXPECT_TRUE(at::equal(tensor(one, name), tensor(same, name)));
  EXPECT_TRUE(at::equal(tensor(one, name), tensor(cosine, name)));
  EXPECT_FALSE(at::equal(tensor(one, name), tensor(other, name)));
}

TEST(CocolaModel, ConversionKeepsHandlesAndGradients) {
  CocolaModel model(tiny(), 2, 1);
  const at::Tensor handle = tensor(model, "encoder.projection.weight");
  const at::Tensor before = handle.detach().clone();
  model.to(at::kDouble);
  EXPECT_EQ(handle.scalar_type(), at::kDouble);
  EXPECT_TRUE(handle.requires_grad());
  EXPECT_EQ(tensor(model, "encoder.encoder.model.0._bn0.num_batches_tracked").scalar_type(),
            at::kLong);
  EXPECT_EQ(model.embed(some_features(2).to(at::kDouble), {}).scalar_type(), at::kDouble);
  model.to(at::kFloat);
  EXPECT_TRUE(at::equal(handle, before));
  model.to(at::Device(at::kCPU));
  EXPECT_EQ(model.device(), at::Device(at::kCPU));
  EXPECT_THROW(model.to(at::kHalf), Error);
}

TEST(CocolaModel, ASingleChannelRunsChannelsLastToo) {
  const CocolaModel model(tiny(), 1, 1);
  EncoderCall call;
  call.observe = [&](const std::string& name, const at::Tensor& y) {
    if (y.dim() == 4) {
      EXPECT_EQ(y.suggest_memory_format(), at::MemoryFormat::ChannelsLast) << name;
    }
  };
  model.embed(at::rand({2, 1, 64, 50}), call);
}

TEST(CocolaModel, TheHeadStaysWideUnderAutocast) {
  CocolaModel model(tiny(), 2, 1);
  testing::fill_with_golden_weights(model, 1);
  const at::Tensor expected = model.embed(some_features(4), {});
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::ScalarType trunk_type = at::kFloat;
  EncoderCall call;
  call.observe = [&](const std::string&, const at::Tensor& y) { trunk_type = y.scalar_type(); };
  const at::Tensor found = model.embed(some_features(4), call);
  at::autocast::set_autocast_enabled(at::kCPU, false);
  at::autocast::clear_cache();
  EXPECT_EQ(trunk_type, at::kBFloat16);
  EXPECT_EQ(found.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(found, expected, 0.0, 0.1));
}

KeptRows draws_of(const CocolaModel& model, std::span<const int64_t> windows, int64_t epoch = 1) {
  return model.draw_kept_rows({5, epoch, windows}, 2);
}

TEST(CocolaModel, GroupsInOneCallEqualOneCallPerGroup) {
  const CocolaModel model(tiny(), 2, 1);
  const at::Tensor anchors = some_features(6, 1), positives = some_features(6, 2);
  const std::vector<int64_t> windows = {40, 7, 13, 21, 2, 99};
  const int64_t num_statistics = model.state().num_statistics();
  const at::Tensor whole_statistics = at::zeros({num_statistics});
  const at::Tensor part_statistics = at::zeros({num_statistics});
  const auto [whole_anchors, whole_positives] =
      model.embed_pairs(anchors, positives, 2, 3, whole_statistics, draws_of(model, windows));
  for (int64_t group = 0; group < 3; ++group) {
    const auto [a, p] = model.embed_pairs(
        anchors.narrow(0, 2 * group, 2), positives.narrow(0, 2 * group, 2), 2, 3, part_statistics,
        draws_of(model, std::span(windows).subspan(static_cast<size_t>(2 * group), 2)));
    EXPECT_TRUE(at::equal(a, whole_anchors.narrow(0, 2 * group, 2)));
    EXPECT_TRUE(at::equal(p, whole_positives.narrow(0, 2 * group, 2)));
  }
  EXPECT_TRUE(at::equal(part_statistics, whole_statistics));
}

TEST(CocolaModel, StatisticsOfEqualGroupsAddUpToOneGroups) {
  const CocolaModel model(tiny(), 2, 1);
  const at::Tensor anchors = some_features(2, 1), positives = some_features(2, 2);
  ModelConfig still = tiny();
  still.dropout = still.drop_connect = 0.0;
  const CocolaModel undisturbed(still, 2, 1);
  const at::Tensor once = at::zeros({model.state().num_statistics()}), twice = at::zeros_like(once);
  undisturbed.embed_pairs(anchors, positives, 2, 1, once, {});
  undisturbed.embed_pairs(at::cat({anchors, anchors}), at::cat({positives, positives}), 2, 2, twice,
                          {});
  EXPECT_TRUE(at::allclose(once, twice, 1e-6, 1e-7));
}

TEST(CocolaModel, DropoutActsInTrainingOnly) {
  ModelConfig config = tiny();
  config.drop_connect = 0.0;
  const CocolaModel model(config, 2, 1);
  const at::Tensor x = some_features(2, 1), y = some_features(2, 2);
  const std::vector<int64_t> windows = {1, 2};
  const auto train = [&](int64_t epoch) {
    return model.embed_pairs(x, y, 2, 1, {}, draws_of(model, windows, epoch)).first;
  };
  EXPECT_TRUE(at::equal(train(0), train(0)));
  EXPECT_FALSE(at::equal(train(0), train(1)));
  EXPECT_TRUE(at::equal(model.embed(x, {}), model.embed(x, {})));
}

TEST(CocolaModel, WrongInputIsRefusedWithItsShape) {
  const CocolaModel model(tiny(), 2, 1);
  const auto message = [&](auto call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message([&] {
                model.embed(at::zeros({2, 1, 64, 50}), {});
              }),
              HasSubstr("[2, 1, 64, 50]"));
  const at::Tensor x = some_features(4);
  const std::vector<int64_t> windows = {1, 2, 3, 4};
  EXPECT_THAT(message([&] { model.embed_pairs(x, x, 3, 1, {}, {}); }), HasSubstr("groups of 3"));
  EXPECT_THAT(message([&] {
                model.draw_kept_rows({1, 0, windows}, 3);
              }),
              HasSubstr("4 window ids do not make groups of 3"));
  EXPECT_THAT(message([&] { model.embed_pairs(x, x, 1, 1, {}, draws_of(model, windows)); }),
              HasSubstr("for 4 groups of 1"));
  EXPECT_THROW(CocolaModel(tiny(), 0, 1), Error);
}

TEST(ModelConfig, ValuesOutsideTheirRangeAreRefused) {
  const auto refuses = [](auto change) {
    ModelConfig config;
    change(config);
    EXPECT_THROW(config.validate(), UsageError);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  refuses([](ModelConfig& c) { c.temperature = 0.0; });
  refuses([&](ModelConfig& c) { c.temperature = nan; });
  refuses([](ModelConfig& c) { c.embedding_size = 0; });
  refuses([](ModelConfig& c) { c.width = 5.0; });
  refuses([](ModelConfig& c) { c.depth = 0.0; });
  refuses([](ModelConfig& c) { c.dropout = 1.0; });
  refuses([](ModelConfig& c) { c.drop_connect = -0.1; });
  ModelConfig{}.validate();
}

}  // namespace
}  // namespace cocola
