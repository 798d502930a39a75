// EfficientNet trunk as efficientnet_pytorch 0.7.1 defines it: static padding worked out for 224
// pixels, batch norm eps 1e-3, squeeze-and-excitation sized by the block's input, drop-connect on
// skip blocks.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/model_config.h"
#include "model/state.h"

namespace cocola {

// The rows of one encoder call, and what decides their random draws.
struct RowDraws {
  uint64_t seed = 0;
  int64_t epoch = 0;
  std::span<const int64_t>
      window_ids;  // [g]: row i < g is the anchor of window i, row g + i its positive
};

// How one call behaves. Evaluation: all defaults. Training: rows are one batch-norm group.
struct EncoderCall {
  bool training = false;
  // Training: [num_statistics] float32 on the model's device; each batch norm adds
  // statistics_weight * (mean, unbiased variance) of the group at its place (state order). May be
  // undefined.
  at::Tensor statistics;
  double statistics_weight = 1.0;
  // Training: draws of dropout and drop-connect; null means none are applied.
  const RowDraws* draws = nullptr;
  // For tests and inspection: called with ("bn0", "block00", ..., "bn1", "pooled") and the tensor.
  std::function<void(const std::string&, const at::Tensor&)> observe;
};

class EfficientNet {
 public:
  // Adds its tensors to `state` under `prefix`. Weights are zero until initialised or loaded.
  EfficientNet(const ModelConfig& config, int64_t in_channels, const std::string& prefix,
               ModelState& state);
  ~EfficientNet();
  int64_t num_features() const;  // channels after the head convolution: 1280 for B0
  // x [R, in_channels, H, W] -> [R, num_features], average-pooled, before dropout.
  at::Tensor forward(const at::Tensor& x, const EncoderCall& call) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocola
