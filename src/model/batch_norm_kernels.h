// The loops of batch norm with SiLU on the CPU, on plain memory.
// Value i of a line belongs to channel i % C. Tables are [n, width], float64 for float64 and else
// float32. A loop works in an order that depends on the lines alone.
#pragma once
#include "model/lanes.h"

namespace cocola {

// moments [2, width]: mean, and sum of the squared distances from it. Sixteen lines are summed in
// the tables' type, relative to the first of them, then merged in double precision.
void norm_moments(const ImageLines& lines, const void* x, double* moments);

// y = (x - mean) * scale + shift, then SiLU if asked. table: mean, scale, shift.
void norm_apply(const ImageLines& lines, bool silu, const void* x, const void* table, void* y);

// sums [2, width] += dy, dy * (x - mean), where dy is the gradient before SiLU. table: as above.
void norm_gradient_sums(const ImageLines& lines, bool silu, const void* x, const void* grad,
                        const void* table, double* sums);

// grad_x = scale * dy - offset - slope * (x - mean). table: mean, scale, shift, offset, slope.
void norm_backward(const ImageLines& lines, bool silu, const void* x, const void* grad,
                   const void* table, void* grad_x);

}  // namespace cocola
