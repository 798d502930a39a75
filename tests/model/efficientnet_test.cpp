#include "model/efficientnet.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace cocola {
namespace {

using ::testing::ElementsAre;

struct Trunk {
  explicit Trunk(const ModelConfig& config, int64_t in_channels = 2)
      : net(config, in_channels, "net", state) {
    const at::NoGradGuard no_grad;
    at::manual_seed(1);
    for (const StateEntry& entry : state.entries()) {
      if (entry.role == StateRole::parameter && entry.tensor.dim() > 1) {
        entry.tensor.normal_(0.0, std::sqrt(2.0 / static_cast<double>(entry.tensor[0].numel())));
      }
    }
  }
  at::Tensor tensor(const std::string& name) const {
    for (const StateEntry& entry : state.entries()) {
      if (entry.name == "net." + name) return entry.tensor;
    }
    throw std::runtime_error("no tensor " + name);
  }
  ModelState state;
  EfficientNet net;
};

ModelConfig scaled(double width, double depth) {
  ModelConfig config;
  config.width = width;
  config.depth = depth;
  return config;
}

struct Scale {
  double width, depth;
  int64_t parameters, statistics;
  size_t entries;
};

// Counts by efficientnet_pytorch 0.7.1:
//   b, g = efficientnet_pytorch.utils.efficientnet(w, d, image_size=224, include_top=False)
//   m = EfficientNet(b, g); m._change_in_channels(2); sd = m.state_dict()
//   sum(p.numel() for p in m.parameters()), sum(v.numel() for k, v in sd.items() if "running" in
//   k), len(sd)
TEST(EfficientNet, EveryScaleHasThePeersCounts) {
  for (const Scale& scale : {Scale{1.0, 1.0, 4007260, 42016, 358},
                             {0.5, 0.4, 656976, 12896, 226},
                             {0.1, 0.1, 32676, 2224, 160},
                             {1.1, 1.2, 7700706, 67568, 506},
                             {0.35, 0.7, 461880, 13248, 336}}) {
    const Trunk trunk(scaled(scale.width, scale.depth));
    EXPECT_EQ(trunk.state.num_parameters(), scale.parameters) << scale.width;
    EXPECT_EQ(trunk.state.num_statistics(), scale.statistics) << scale.width;
    EXPECT_EQ(trunk.state.entries().size(), scale.entries) << scale.width;
  }
}

// Shapes by the same Python lines with w = 0.5, d = 0.4.
TEST(EfficientNet, TheNarrowTrunkHasThePeersShapes) {
  const Trunk trunk(scaled(0.5, 0.4));
  EXPECT_EQ(trunk.net.num_features(), 640);
  EXPECT_THAT(trunk.tensor("_conv_stem.weight").sizes(), ElementsAre(16, 2, 3, 3));
  EXPECT_THAT(trunk.tensor("_blocks.0._project_conv.weight").sizes(), ElementsAre(8, 16, 1, 1));
  EXPECT_THAT(trunk.tensor("_blocks.5._depthwise_conv.weight").sizes(), ElementsAre(240, 1, 5, 5));
  EXPECT_THAT(trunk.tensor("_blocks.7._se_reduce.weight").sizes(), ElementsAre(14, 336, 1, 1));
  EXPECT_THAT(trunk.tensor("_blocks.9._project_conv.weight").sizes(), ElementsAre(160, 576, 1, 1));
  EXPECT_THAT(trunk.tensor("_conv_head.weight").sizes(), ElementsAre(640, 160, 1, 1));
}

TEST(EfficientNet, StaticPaddingDecidesTheSizes) {
  const Trunk trunk(ModelConfig{});
  std::map<std::string, std::vector<int64_t>> sizes;
  EncoderCall call;
  call.observe = [&](const std::string& name, const at::Tensor& y) {
    if (y.dim() == 4) sizes[name] = {y.size(2), y.size(3)};
  };
  const at::NoGradGuard no_grad;
  trunk.net.forward(at::zeros({1, 2, 64, 501}), call);
  EXPECT_THAT(sizes.at("bn0"), ElementsAre(32, 250));
  EXPECT_THAT(sizes.at("block02"), ElementsAre(16, 125));
  EXPECT_THAT(sizes.at("block04"), ElementsAre(8, 62));
  EXPECT_THAT(sizes.at("block10"), ElementsAre(4, 31));
  EXPECT_THAT(sizes.at("bn1"), ElementsAre(2, 15));
  trunk.net.forward(at::zeros({1, 2, 64, 201}), call);
  EXPECT_THAT(sizes.at("bn1"), ElementsAre(2, 6));
  trunk.net.forward(at::zeros({1, 2, 64, 98}), call);
  EXPECT_THAT(sizes.at("bn1"), ElementsAre(2, 3));
}

TEST(EfficientNet, ChannelsLastStaysChannelsLast) {
  const Trunk trunk(scaled(0.5, 0.4));
  const std::vector<int64_t> windows = {3, 8};
  const RowDraws draws{1, 0, windows};
  for (const bool training : {false, true}) {
    EncoderCall call;
    call.training = training;
    call.kept.blocks = trunk.net.draw_kept_blocks(draws).unsqueeze(-1).unsqueeze(-1).unsqueeze(-1);
    int64_t seen = 0;
    call.observe = [&](const std::string& name, const at::Tensor& y) {
      if (y.dim() != 4) return;
      ++seen;
      EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast)) << name << training;
    };
    trunk.net.forward(at::rand({4, 2, 64, 50}).contiguous(at::MemoryFormat::ChannelsLast), call);
    EXPECT_EQ(seen, 10 + 2);
  }
}

TEST(EfficientNet, StatisticsAreTheGroupsMeanAndUnbiasedVariance) {
  const Trunk trunk(scaled(0.5, 0.4));
  const at::Tensor x = at::rand({6, 2, 64, 50});
  EncoderCall call;
  call.training = true;
  call.statistics = at::zeros({trunk.state.num_statistics()});
  call.statistics_weight = 0.5;
  const at::Tensor before = trunk.tensor("_bn0.running_mean").clone();
  trunk.net.forward(x, call);
  // The stem's convolution, then the statistics of what enters its norm.
  const at::Tensor stem =
      at::conv2d(at::constant_pad_nd(x, {0, 1, 0, 1}), trunk.tensor("_conv_stem.weight"), {}, 2);
  const at::Tensor rows = stem.transpose(0, 1).reshape({16, -1});
  EXPECT_TRUE(at::allclose(call.statistics.narrow(0, 0, 16), 0.5 * rows.mean(1), 1e-4, 1e-6));
  EXPECT_TRUE(at::allclose(call.statistics.narrow(0, 16, 16), 0.5 * rows.var(1), 1e-4, 1e-6));
  EXPECT_TRUE(at::equal(trunk.tensor("_bn0.running_mean"), before));
  EXPECT_EQ(trunk.tensor("_bn0.num_batches_tracked").item<int64_t>(), 0);
}

TEST(EfficientNet, GivenStatisticsMakeEvaluationEqualTraining) {
  // Unbiased variance differs from the one used in training by n / (n - 1): large groups hide it.
  const Trunk trunk(scaled(0.5, 0.1));
  const at::Tensor x = at::rand({32, 2, 64, 201});
  EncoderCall training;
  training.training = true;
  training.statistics = at::zeros({trunk.state.num_statistics()});
  const at::NoGradGuard no_grad;
  const at::Tensor expected = trunk.net.forward(x, training);
  int64_t offset = 0;
  for (const StateEntry& entry : trunk.state.entries()) {
    if (entry.role != StateRole::running_mean && entry.role != StateRole::running_var) continue;
    entry.tensor.copy_(training.statistics.narrow(0, offset, entry.tensor.numel()));
    offset += entry.tensor.numel();
  }
  EXPECT_EQ(offset, training.statistics.numel());
  EXPECT_TRUE(at::allclose(trunk.net.forward(x, {}), expected, 2e-2, 2e-2));
}

TEST(EfficientNet, DropConnectDropsWholeBranchesAtItsRate) {
  std::vector<int64_t> windows(4000);
  std::iota(windows.begin(), windows.end(), 0);
  const double keep = 0.825;
  const at::Tensor kept =
      draw_kept({5, 2, windows}, DrawPurpose::drop_connect, 14, keep, 1).flatten();
  EXPECT_EQ(kept.numel(), 8000);
  EXPECT_TRUE(at::logical_or(kept == 0.0, kept == 1.0).all().item<bool>());
  EXPECT_NEAR(kept.mean().item<double>(), keep, 4.0 * std::sqrt(keep * (1 - keep) / 8000.0));
}

TEST(EfficientNet, DrawsBelongToTheWindowNotToTheBatch) {
  const std::vector<int64_t> all = {10, 11, 12, 13}, some = {12, 10};
  const auto draw = [](const std::vector<int64_t>& windows, int64_t epoch, int64_t layer) {
    return draw_kept({5, epoch, windows}, DrawPurpose::dropout, layer, 0.5, 64);
  };
  const at::Tensor whole = draw(all, 1, 0), part = draw(some, 1, 0);
  EXPECT_TRUE(at::equal(part[0], whole[2]));
  EXPECT_TRUE(at::equal(part[1], whole[0]));
  EXPECT_TRUE(at::equal(part[2], whole[6]));
  EXPECT_TRUE(at::equal(part[3], whole[4]));
  EXPECT_FALSE(at::equal(whole[0], whole[4]));  // the other view
  EXPECT_FALSE(at::equal(whole, draw(all, 2, 0)));
  EXPECT_FALSE(at::equal(whole, draw(all, 1, 1)));
}

TEST(ModelState, ANameIsAddedOnce) {
  ModelState state;
  state.add("a", at::zeros({2}), StateRole::parameter);
  EXPECT_THROW(state.add("a", at::zeros({2}), StateRole::counter), Error);
  EXPECT_TRUE(state.entries()[0].tensor.requires_grad());
}

}  // namespace
}  // namespace cocola
