// Rows drawn at random, without replacement.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cocola {

// What a draw is for, so that draws of one seed are independent. Never renumber;
// 0 belongs to the intervals of metrics/confidence.h.
enum class SubsampleUse : uint32_t { frechet_limit = 1, median_distance = 2 };

// `count` different rows of samples [n, d]; count in [0, n].
//
// Random: decided by (seed, use, draw) alone.
at::Tensor draw_rows(const at::Tensor& samples, int64_t count, uint64_t seed, SubsampleUse use,
                     int64_t draw = 0);

}  // namespace cocola
