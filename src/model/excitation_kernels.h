// The loops of squeeze-and-excite on the CPU, on plain memory. A line is a pixel.
#pragma once
#include "model/lanes.h"

namespace cocola {

// sums [width] += x, or x * factor where `factor` is not null.
void sum_lines(const ImageLines& lines, const void* x, const void* factor, double* sums);

// y = x * scale + shift. table [2, width]: scale, shift; float64 for float64 and else float32.
void scale_lines(const ImageLines& lines, const void* x, const void* table, void* y);

}  // namespace cocola
