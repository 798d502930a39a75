#include "batches/mixing_cells.h"
#include "base/run_cells.cuh"

namespace cocola {

void mix_on_gpu(const MixedSamples& cells, int64_t n) { run_cells(cells, n); }

}  // namespace cocola
