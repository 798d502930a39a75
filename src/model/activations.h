// How much of a forward pass is kept for the backward pass.
#pragma once
#include <cstdint>

#include "model/model_config.h"

namespace cocola {

// Values that the graph of one window holds between forward and backward pass: inputs of
// convolutions and norms; those of activations are worked out again. What does not grow with the
// image is left out.
//
// Shapes: a window is [in_channels, mel_bins, frames].
int64_t saved_values_per_window(const ModelConfig& config, int64_t in_channels, int64_t mel_bins,
                                int64_t frames);

}  // namespace cocola
