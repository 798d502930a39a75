#include "base/run_cells.cuh"
#include "batches/mixing_cells.h"

namespace cocola {

void mix_on_gpu(const MixedSamples& cells, int64_t n) { run_cells(cells, n); }

}  // namespace cocola
