#include "base/error.h"
#include "features/hpss_cuda.h"

namespace cocola {

HpssParts hpss_cuda(const at::Tensor&) {
  fail("hpss", "this build has no CUDA; configure with -DCOCOLA_CUDA=ON, or separate on the CPU");
}

bool can_run_hpss_cuda() { return false; }

}  // namespace cocola
