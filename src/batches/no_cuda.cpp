#include "base/error.h"
#include "batches/mixing_cells.h"

namespace cocola {

void mix_on_gpu(const MixedSamples&, int64_t) {
  fail("mixing", "this build has no CUDA; configure with -DCOCOLA_CUDA=ON");
}

}  // namespace cocola
