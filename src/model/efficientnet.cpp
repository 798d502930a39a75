#include "model/efficientnet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <optional>
#include <vector>

#include "model/excitation.h"
#include "model/layers.h"
#include "model/trunk_plan.h"

namespace cocola {
namespace {

// The inverted bottleneck: expand, depthwise, squeeze-and-excite, project.
class Block {
 public:
  Block(const BlockShape& shape, const std::string& name, ModelState& state);
  // kept [R, 1, 1, 1]: rows whose branch survives drop-connect; undefined when all do.
  at::Tensor forward(const at::Tensor& input, const EncoderCall& call, const at::Tensor& kept,
                     double keep_probability) const;
  bool skips() const { return skip_; }

 private:
  at::Tensor excite(const at::Tensor& x) const;
  bool skip_;
  std::optional<Convolution> expand_;
  std::optional<BatchNorm> norm0_;
  std::optional<Convolution> depthwise_;
  std::optional<BatchNorm> norm1_;
  std::optional<Convolution> reduce_, restore_, project_;
  std::optional<BatchNorm> norm2_;
};

// Members are made in the order in which the state lists them.
Block::Block(const BlockShape& shape, const std::string& name, ModelState& state)
    : skip_(shape.skip) {
  const int64_t middle = shape.middle();
  const int64_t squeezed = std::max<int64_t>(1, shape.in / 4);
  if (shape.expansion != 1) {
    expand_.emplace(ConvolutionShape{.in = shape.in, .out = middle}, name + "._expand_conv", state);
    norm0_.emplace(middle, name + "._bn0", state);
  }
  depthwise_.emplace(ConvolutionShape{.in = middle,
                                      .out = middle,
                                      .kernel = shape.kernel,
                                      .stride = shape.stride,
                                      .groups = middle,
                                      .nominal_size = shape.nominal_size},
                     name + "._depthwise_conv", state);
  norm1_.emplace(middle, name + "._bn1", state);
  reduce_.emplace(ConvolutionShape{.in = middle, .out = squeezed, .bias = true},
                  name + "._se_reduce", state);
  restore_.emplace(ConvolutionShape{.in = squeezed, .out = middle, .bias = true},
                   name + "._se_expand", state);
  project_.emplace(ConvolutionShape{.in = middle, .out = shape.out}, name + "._project_conv",
                   state);
  norm2_.emplace(shape.out, name + "._bn2", state);
}

at::Tensor Block::excite(const at::Tensor& x) const {
  const ExcitationParameters parameters{reduce_->weight(), reduce_->bias(), restore_->weight(),
                                        restore_->bias()};
  if (excitation_applies(x, parameters)) return excitation(x, parameters);
  const at::Tensor squeezed = at::silu((*reduce_)(x.mean({2, 3}, true)));
  return x * at::sigmoid((*restore_)(squeezed));
}

at::Tensor Block::forward(const at::Tensor& input, const EncoderCall& call, const at::Tensor& kept,
                          double keep_probability) const {
  at::Tensor x = input;
  if (expand_) x = norm0_->with_silu((*expand_)(x), call);
  x = norm1_->with_silu((*depthwise_)(x), call);
  x = (*norm2_)((*project_)(excite(x)), call);
  if (!skip_) return x;
  if (!kept.defined()) return x + input;
  return at::addcmul(input, x, kept.to(x.scalar_type()), 1.0 / keep_probability);
}

}  // namespace

struct EfficientNet::Impl {
  double drop_connect;
  int64_t num_features;
  std::optional<Convolution> stem, head;
  std::optional<BatchNorm> norm0, norm1;
  std::vector<Block> blocks;

  double keep_probability(size_t block) const {
    return 1.0 - drop_connect * static_cast<double>(block) / static_cast<double>(blocks.size());
  }
};

EfficientNet::EfficientNet(const ModelConfig& config, int64_t in_channels,
                           const std::string& prefix, ModelState& state)
    : impl_(std::make_unique<Impl>()) {
  impl_->drop_connect = config.drop_connect;
  const TrunkPlan plan = plan_trunk(config);
  impl_->num_features = plan.head_channels;
  impl_->stem.emplace(ConvolutionShape{.in = in_channels,
                                       .out = plan.stem_channels,
                                       .kernel = 3,
                                       .stride = kStemStride,
                                       .nominal_size = kNominalImage},
                      prefix + "._conv_stem", state);
  impl_->norm0.emplace(plan.stem_channels, prefix + "._bn0", state);
  for (const BlockShape& shape : plan.blocks) {
    impl_->blocks.emplace_back(shape, fmt::format("{}._blocks.{}", prefix, impl_->blocks.size()),
                               state);
  }
  impl_->head.emplace(ConvolutionShape{.in = plan.blocks.back().out, .out = plan.head_channels},
                      prefix + "._conv_head", state);
  impl_->norm1.emplace(impl_->num_features, prefix + "._bn1", state);
}

EfficientNet::~EfficientNet() = default;

at::Tensor EfficientNet::draw_kept_blocks(const RowDraws& draws) const {
  if (impl_->drop_connect == 0.0) return {};
  std::vector<at::Tensor> rows;
  for (size_t i = 0; i < impl_->blocks.size(); ++i) {
    rows.push_back(draw_kept(draws, DrawPurpose::drop_connect, static_cast<int64_t>(i),
                             impl_->keep_probability(i), 1));
  }
  return at::stack(rows).squeeze(2);
}

int64_t EfficientNet::num_features() const { return impl_->num_features; }

at::Tensor EfficientNet::forward(const at::Tensor& x, const EncoderCall& call) const {
  const auto observe = [&](const std::string& name, const at::Tensor& tensor) {
    if (call.observe) call.observe(name, tensor);
  };
  const at::Tensor kept = call.training ? call.kept.blocks : at::Tensor();
  // Who observes sees the values before SiLU, which are else not kept apart.
  const auto normalise = [&](const BatchNorm& norm, const at::Tensor& image,
                             const std::string& name) {
    if (!call.observe) return norm.with_silu(image, call);
    const at::Tensor normalised = norm(image, call);
    observe(name, normalised);
    return at::silu(normalised);
  };
  at::Tensor y = normalise(*impl_->norm0, (*impl_->stem)(x), "bn0");
  for (size_t i = 0; i < impl_->blocks.size(); ++i) {
    const Block& block = impl_->blocks[i];
    const bool drops = kept.defined() && block.skips();
    y = block.forward(y, call, drops ? kept.select(0, static_cast<int64_t>(i)) : at::Tensor(),
                      impl_->keep_probability(i));
    observe(fmt::format("block{:02d}", i), y);
  }
  y = normalise(*impl_->norm1, (*impl_->head)(y), "bn1").mean({2, 3});
  observe("pooled", y);
  return y;
}

}  // namespace cocola
