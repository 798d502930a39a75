// The loops of batch norm with SiLU on the CPU, on plain memory.
// Images are lines [lines, width] of one or more pixels, so that `width` is a multiple of kLanes;
// value i of a line belongs to channel i % C. `type` is that of the images: float32, float64 or
// bfloat16. Tables are [n, width], float64 for float64 and else float32. A loop works on lines
// first .. last - 1, in an order that depends on nothing else.
#pragma once
#include <c10/core/ScalarType.h>

#include <cstdint>

#include "model/lanes.h"

namespace cocola {

struct NormLines {
  c10::ScalarType type;
  int64_t width, first, last;
};

// moments [2, width]: mean, and sum of the squared distances from it. Sixteen lines are summed in
// the tables' type, relative to the first of them, then merged in double precision.
void norm_moments(const NormLines& lines, const void* x, double* moments);

// y = (x - mean) * scale + shift, then SiLU if asked. table: mean, scale, shift.
void norm_apply(const NormLines& lines, bool silu, const void* x, const void* table, void* y);

// sums [2, width] += dy, dy * (x - mean), where dy is the gradient before SiLU. table: as above.
void norm_gradient_sums(const NormLines& lines, bool silu, const void* x, const void* grad,
                        const void* table, double* sums);

// grad_x = scale * dy - offset - slope * (x - mean). table: mean, scale, shift, offset, slope.
void norm_backward(const NormLines& lines, bool silu, const void* x, const void* grad,
                   const void* table, void* grad_x);

}  // namespace cocola
