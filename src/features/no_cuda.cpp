#include "base/error.h"
#include "features/front_end_kernels.h"
#include "features/hpss_cuda.h"

namespace cocola {

HpssParts hpss_cuda(const at::Tensor&) {
  fail("hpss", "this build has no CUDA; configure with -DCOCOLA_CUDA=ON, or separate on the CPU");
}

FrontEndKernels cuda_front_end_kernels() {
  fail("features", "this build has no CUDA; configure with -DCOCOLA_CUDA=ON");
}

bool can_run_hpss_cuda() { return false; }

}  // namespace cocola
