// How one call of the encoder behaves, and where its random draws come from.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/philox.h"

namespace cocola {

// What decides the random draws of some pairs.
struct RowDraws {
  uint64_t seed = 0;
  int64_t epoch = 0;
  std::span<const int64_t> window_ids;  // [n]: row i < n is the anchor of window i, n + i its
                                        // positive
};

// Which of each row's `columns` values are kept: 1 with probability keep_probability, else 0.
//
// Shapes: float32 [2 n, columns] on the CPU.
// Random: decided by (seed, purpose, layer, view, window, epoch) and the column alone.
at::Tensor draw_kept(const RowDraws& draws, DrawPurpose purpose, int64_t layer,
                     double keep_probability, int64_t columns);

// What drop-connect and dropout leave of the R rows of an encoder call; undefined: everything. The
// draws of several calls have a first dimension more, one entry for each call.
struct KeptRows {
  at::Tensor blocks;    // [num_blocks, R, 1, 1, 1] float32: 1 where a row's branch survives, or 0
  at::Tensor features;  // [R, num_features] float32: 1 / probability to be kept, or 0

  KeptRows of_call(int64_t call) const;
  KeptRows of_calls(int64_t first, int64_t last) const;
  // From page-locked memory to a GPU without waiting.
  KeptRows to(at::Device device) const;
  KeptRows pinned() const;
};

// Evaluation: all defaults. Training: rows are one batch-norm group.
struct EncoderCall {
  bool training = false;
  // Training: [num_statistics] on the model's device; each batch norm adds statistics_weight *
  // (mean, unbiased variance) of the group at its place (state order). May be undefined.
  at::Tensor statistics;
  double statistics_weight = 1.0;
  // Training: on the model's device.
  KeptRows kept;
  // For tests and inspection: called with ("bn0", "block00", ..., "bn1", "pooled") and the tensor.
  std::function<void(const std::string&, const at::Tensor&)> observe;
};

}  // namespace cocola
