// The pairs of one rank in one step.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <vector>

namespace cocola {

struct Batch {
  at::Tensor anchors;               // [B, C, M, F] float32, dB; or [B, L] waveforms, see BatchRoom
  at::Tensor positives;             // like anchors
  std::vector<int64_t> window_ids;  // [B], distinct over the whole step
  int64_t epoch = 0;
  int64_t step = 0;  // of the whole run
};

}  // namespace cocola
