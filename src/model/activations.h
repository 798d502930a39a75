// How much of a forward pass is kept for the backward pass.
#pragma once
#include <c10/core/DeviceType.h>

#include <cstdint>

#include "model/model_config.h"

namespace cocola {

// Values that the graph of one window holds between forward and backward pass: inputs of
// convolutions and norms, and on a GPU of activations; the CPU works these out again. What does not
// grow with the image is left out.
//
// Shapes: a window is [in_channels, mel_bins, frames].
int64_t saved_values_per_window(const ModelConfig& config, int64_t in_channels, int64_t mel_bins,
                                int64_t frames, c10::DeviceType device);

}  // namespace cocola
