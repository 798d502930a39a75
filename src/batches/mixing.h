// Sub-mixes of packed stems, with their noise, on the device that wants them.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>

#include "batches/batch.h"

namespace cocola {

// Standard deviation, and what beside a window's key decides the draws; see add_noise.
struct PositiveNoise {
  double noise_std = 0.0;
  uint64_t seed = 0;
  int64_t epoch = 0;
};

// Mixes pairs [first, first + count) of one view on the CPU or on a GPU. Their stems are copied
// there, on the current stream as the mixing, without waiting if they are pinned.
//
// Shapes: [count, L] float32 on the device.
// Law:    the bits of SubmixFeatures::mix() and add_noise on any device; anchors have no noise.
at::Tensor mix_anchors(const PackedStems& stems, int64_t first, int64_t count, at::Device device);
at::Tensor mix_positives(const PackedStems& stems, int64_t first, int64_t count,
                         const PositiveNoise& noise, at::Device device);

}  // namespace cocola
