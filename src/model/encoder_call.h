// How one call of the encoder behaves, and where its random draws come from.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/philox.h"

namespace cocola {

// The rows of one encoder call, and what decides their random draws.
struct RowDraws {
  uint64_t seed = 0;
  int64_t epoch = 0;
  std::span<const int64_t>
      window_ids;  // [g]: row i < g is the anchor of window i, row g + i its positive
};

// Which of each row's `columns` values are kept: 1 with probability keep_probability, else 0.
//
// Shapes: float32 [2 g, columns] on the CPU.
// Random: decided by (seed, purpose, layer, view, window, epoch) and the column alone.
at::Tensor draw_kept(const RowDraws& draws, DrawPurpose purpose, int64_t layer,
                     double keep_probability, int64_t columns);

// Evaluation: all defaults. Training: rows are one batch-norm group.
struct EncoderCall {
  bool training = false;
  // Training: [num_statistics] on the model's device; each batch norm adds statistics_weight *
  // (mean, unbiased variance) of the group at its place (state order). May be undefined.
  at::Tensor statistics;
  double statistics_weight = 1.0;
  // Training: draws of dropout and drop-connect; null means none are applied.
  const RowDraws* draws = nullptr;
  // For tests and inspection: called with ("bn0", "block00", ..., "bn1", "pooled") and the tensor.
  std::function<void(const std::string&, const at::Tensor&)> observe;
};

}  // namespace cocola
