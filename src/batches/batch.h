// The pairs of one rank in one step.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <optional>
#include <vector>

namespace cocola {

// The stems of both views of a batch, unmixed, as they lie in the shards. A signal is a view of a
// pair: signal s < B is the anchor of pair s, signal B + p the positive of pair p.
struct PackedStems {
  at::Tensor rows;        // [S, L] int16, the stems of one signal after those of another
  at::Tensor first_rows;  // [2B + 1] int64; signal s sums rows first_rows[s] .. first_rows[s + 1]
  at::Tensor gains;       // [B] float32, of every stem of a pair
  at::Tensor keys;        // [B] int64, number of a pair's window in draws of noise
};

struct Batch {
  at::Tensor anchors;                // [B, C, M, F] float32, dB
  at::Tensor positives;              // like anchors
  std::optional<PackedStems> stems;  // instead of both, until they are mixed
  std::vector<int64_t> window_ids;   // [B], distinct over the whole step
  int64_t epoch = 0;
  int64_t step = 0;  // of the whole run
};

}  // namespace cocola
