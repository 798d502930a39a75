// EfficientNet trunk as efficientnet_pytorch 0.7.1 defines it: static padding worked out for 224
// pixels, batch norm eps 1e-3, squeeze-and-excitation sized by the block's input, drop-connect on
// skip blocks.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <memory>
#include <string>

#include "model/encoder_call.h"
#include "model/model_config.h"
#include "model/state.h"

namespace cocola {

class EfficientNet {
 public:
  // Adds its tensors to `state` under `prefix`. Weights are zero until initialised or loaded.
  EfficientNet(const ModelConfig& config, int64_t in_channels, const std::string& prefix,
               ModelState& state);
  ~EfficientNet();
  EfficientNet(const EfficientNet&) = delete;
  EfficientNet& operator=(const EfficientNet&) = delete;

  // [num_blocks, 2 n] for n pairs, on the CPU; undefined without drop-connect.
  at::Tensor draw_kept_blocks(const RowDraws& draws) const;
  int64_t num_features() const;  // channels after the head convolution: 1280 for B0
  // x [R, in_channels, H, W] -> [R, num_features], average-pooled, before dropout. The memory
  // format of x is kept throughout.
  at::Tensor forward(const at::Tensor& x, const EncoderCall& call) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocola
