// The trunk's layers that own tensors of the state: convolution with static padding, batch norm.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <string>

#include "model/encoder_call.h"
#include "model/state.h"

namespace cocola {

struct ConvolutionShape {
  int64_t in = 1, out = 1;
  int64_t kernel = 1, stride = 1;
  int64_t groups = 1;
  // Height and width of the image the padding is worked out for, whatever the input.
  int64_t nominal_size = 1;
  bool bias = false;
};

// Pads with zeros so that an image of the nominal size gives ceil(size / stride) values; an odd
// row goes after the image.
class Convolution {
 public:
  // Adds "<name>.weight" and, if asked, "<name>.bias".
  Convolution(const ConvolutionShape& shape, const std::string& name, ModelState& state);
  at::Tensor operator()(const at::Tensor& x) const;
  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  at::Tensor weight_, bias_;
  int64_t stride_, groups_;
  int64_t pad_before_ = 0, pad_after_ = 0;
};

// Training: normalises by the statistics of the call's rows and reports them to the call.
// Evaluation: by the running statistics, which nothing here changes.
class BatchNorm {
 public:
  // Adds "<name>.weight", ".bias", ".running_mean", ".running_var" and ".num_batches_tracked".
  BatchNorm(int64_t channels, const std::string& name, ModelState& state);
  at::Tensor operator()(const at::Tensor& x, const EncoderCall& call) const;
  // The same followed by SiLU, in as few passes over memory as x allows.
  at::Tensor with_silu(const at::Tensor& x, const EncoderCall& call) const;

 private:
  at::Tensor normalise(const at::Tensor& x, const EncoderCall& call, bool silu) const;
  at::Tensor weight_, bias_, running_mean_, running_var_;
  int64_t statistics_offset_;
};

}  // namespace cocola
