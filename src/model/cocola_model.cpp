#include "model/cocola_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/util/StringUtil.h>

#include <charconv>
#include <cmath>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/philox.h"

namespace cocola {
namespace {

constexpr const char* kBilinearName = "similarity.w";
constexpr double kBilinearScale = 0.05;  // standard deviation, or the identity's factor

// A tensor's name as the item of its random draws.
uint32_t name_number(const std::string& name) {
  const std::string digits = digest_of(name).substr(0, 8);
  uint32_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return number;
}

template <typename Draw>
void fill(const StateEntry& entry, uint64_t seed, Draw draw) {
  PhiloxStream stream(seed, DrawPurpose::initial_weights, 0, name_number(entry.name), 0);
  at::Tensor values = at::empty(entry.tensor.sizes(), at::kFloat);
  float* const first = values.mutable_data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) first[i] = draw(stream);
  entry.tensor.copy_(values);
}

// PyTorch's default laws: weights and biases of convolutions and linear layers uniform within
// 1 / sqrt(fan_in); norms one and zero.
void initialise(ModelState& state, const ModelConfig& config, uint64_t seed) {
  const at::NoGradGuard no_grad;
  float bound = 0.0F;  // of the layer whose weight was seen last; its bias follows it
  for (const StateEntry& entry : state.entries()) {
    if (entry.role != StateRole::parameter) continue;
    if (entry.name == kBilinearName) {
      if (config.similarity_init == SimilarityInit::identity) {
        entry.tensor.copy_(at::eye(config.embedding_size).mul_(kBilinearScale));
      } else {
        fill(entry, seed, [](PhiloxStream& stream) {
          return static_cast<float>(kBilinearScale) * stream.next_normal();
        });
      }
      continue;
    }
    if (entry.name.ends_with(".weight")) {
      const bool is_norm = entry.tensor.dim() == 1;
      const auto fan_in = static_cast<float>(entry.tensor.numel() / entry.tensor.size(0));
      bound = is_norm ? 0.0F : 1.0F / std::sqrt(fan_in);
      if (is_norm) entry.tensor.fill_(1.0);
    }
    if (bound > 0.0F) {
      fill(entry, seed,
           [bound](PhiloxStream& stream) { return bound * (2.0F * stream.next_uniform() - 1.0F); });
    }
  }
}

// contiguous() would leave a single channel in the order in which it lies, and the whole trunk with
// it.
at::Tensor channels_last(const at::Tensor& x) {
  if (x.suggest_memory_format() == at::MemoryFormat::ChannelsLast) {
    return x.contiguous(at::MemoryFormat::ChannelsLast);
  }
  return at::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast).copy_(x);
}

}  // namespace

struct CocolaModel::Impl {
  ModelConfig config;
  int64_t in_channels;
  ModelState state;
  EfficientNet trunk;
  at::Tensor projection_weight, projection_bias;
  at::Tensor norm_weight, norm_bias, bilinear;  // undefined for cosine

  Impl(const ModelConfig& model_config, int64_t channels)
      : config(model_config),
        in_channels(channels),
        trunk(model_config, channels, "encoder.encoder.model.0", state) {
    const int64_t size = config.embedding_size;
    const auto add = [this](const char* name, at::IntArrayRef shape) {
      return state.add(name, at::zeros(shape), StateRole::parameter);
    };
    projection_weight = add("encoder.projection.weight", {size, trunk.num_features()});
    projection_bias = add("encoder.projection.bias", {size});
    if (config.similarity == SimilarityKind::bilinear) {
      norm_weight = add("layer_norm.weight", {size});
      norm_bias = add("layer_norm.bias", {size});
      bilinear = add(kBilinearName, {size, size});
    }
  }

  at::Tensor head(const at::Tensor& pooled, const EncoderCall& call) const {
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    at::Tensor x = pooled.to(projection_weight.scalar_type());
    if (call.training && call.kept.features.defined()) {
      x = x * call.kept.features.to(x.scalar_type());
    }
    x = at::linear(x, projection_weight, projection_bias);
    if (config.similarity == SimilarityKind::cosine) {
      return x / at::linalg_vector_norm(x, 2, {1}, true).clamp_min(1e-12);
    }
    return at::tanh(at::layer_norm(x, {config.embedding_size}, norm_weight, norm_bias, 1e-5));
  }
};

CocolaModel::CocolaModel(const ModelConfig& config, int64_t in_channels, uint64_t seed) {
  config.validate();
  if (in_channels < 1 || in_channels > 16) {
    fail("CocolaModel", "{} input channels; 1 to 16 are possible", in_channels);
  }
  impl_ = std::make_unique<Impl>(config, in_channels);
  initialise(impl_->state, config, seed);
}

CocolaModel::~CocolaModel() = default;

const ModelConfig& CocolaModel::config() const { return impl_->config; }
int64_t CocolaModel::in_channels() const { return impl_->in_channels; }
ModelState& CocolaModel::state() { return impl_->state; }
const ModelState& CocolaModel::state() const { return impl_->state; }
at::Tensor CocolaModel::bilinear_weight() const { return impl_->bilinear; }
at::Device CocolaModel::device() const { return impl_->projection_weight.device(); }

double CocolaModel::similarity_scale() const {
  return config().similarity == SimilarityKind::cosine ? 1.0 / config().temperature : 1.0;
}

void CocolaModel::to(at::Device device) {
  for (StateEntry& entry : impl_->state.entries()) entry.tensor.set_data(entry.tensor.to(device));
}

void CocolaModel::to(at::ScalarType dtype) {
  if (dtype != at::kFloat && dtype != at::kDouble) {
    fail("CocolaModel::to", "a model is float32 or float64, not {}", c10::toString(dtype));
  }
  for (StateEntry& entry : impl_->state.entries()) {
    if (entry.role != StateRole::counter) entry.tensor.set_data(entry.tensor.to(dtype));
  }
}

at::Tensor CocolaModel::embed(const at::Tensor& features, const EncoderCall& call) const {
  if (features.dim() != 4 || features.size(1) != in_channels() || features.size(0) < 1) {
    fail("CocolaModel::embed", "features of shape {} given; [R >= 1, {}, M, F] is needed",
         c10::str(features.sizes()), in_channels());
  }
  return impl_->head(impl_->trunk.forward(channels_last(features), call), call);
}

KeptRows CocolaModel::draw_kept_rows(const RowDraws& draws, int64_t pairs_per_group) const {
  const auto num_pairs = static_cast<int64_t>(draws.window_ids.size());
  if (pairs_per_group < 1 || num_pairs < 1 || num_pairs % pairs_per_group != 0) {
    fail("CocolaModel::draw_kept_rows", "{} window ids do not make groups of {} pairs", num_pairs,
         pairs_per_group);
  }
  const int64_t calls = num_pairs / pairs_per_group, rows = 2 * pairs_per_group;
  KeptRows kept;
  kept.blocks = impl_->trunk.draw_kept_blocks(draws);
  if (kept.blocks.defined()) {
    kept.blocks = kept.blocks.view({-1, 2, calls, pairs_per_group})
                      .permute({2, 0, 1, 3})
                      .reshape({calls, -1, rows, 1, 1, 1});
  }
  if (config().dropout > 0.0) {
    const double keep = 1.0 - config().dropout;
    kept.features =
        draw_kept(draws, DrawPurpose::dropout, 0, keep, impl_->trunk.num_features()).div_(keep);
    kept.features = kept.features.view({2, calls, pairs_per_group, -1})
                        .transpose(0, 1)
                        .reshape({calls, rows, -1});
  }
  return kept;
}

std::pair<at::Tensor, at::Tensor> CocolaModel::embed_pairs(
    const at::Tensor& anchors, const at::Tensor& positives, int64_t pairs_per_group,
    int64_t groups_per_step, const at::Tensor& statistics, const KeptRows& kept) const {
  const int64_t num_pairs = anchors.dim() == 4 ? anchors.size(0) : 0;
  if (anchors.sizes() != positives.sizes() || num_pairs < 1 || pairs_per_group < 1 ||
      num_pairs % pairs_per_group != 0) {
    fail("CocolaModel::embed_pairs", "anchors {} and positives {} do not make groups of {} pairs",
         c10::str(anchors.sizes()), c10::str(positives.sizes()), pairs_per_group);
  }
  const int64_t calls = num_pairs / pairs_per_group;
  for (const at::Tensor& draws : {kept.blocks, kept.features}) {
    if (draws.defined() && draws.size(0) != calls) {
      fail("CocolaModel::embed_pairs", "draws {} given for {} groups of {} pairs",
           c10::str(draws.sizes()), calls, pairs_per_group);
    }
  }
  std::vector<at::Tensor> anchor_parts, positive_parts;
  for (int64_t call = 0; call < calls; ++call) {
    const int64_t first = call * pairs_per_group;
    const at::Tensor rows = at::cat(
        {anchors.narrow(0, first, pairs_per_group), positives.narrow(0, first, pairs_per_group)});
    const at::Tensor embeddings =
        embed(rows, {.training = true,
                     .statistics = statistics,
                     .statistics_weight = 1.0 / static_cast<double>(groups_per_step),
                     .kept = kept.of_call(call),
                     .observe = {}});
    anchor_parts.push_back(embeddings.narrow(0, 0, pairs_per_group));
    positive_parts.push_back(embeddings.narrow(0, pairs_per_group, pairs_per_group));
  }
  return {at::cat(anchor_parts), at::cat(positive_parts)};
}

}  // namespace cocola
