#include "base/error.h"
#include "model/norm_silu.h"

namespace cocola {

NormKernels cuda_norm_kernels() {
  fail("batch norm", "this build has no CUDA; configure with -DCOCOLA_CUDA=ON");
}

}  // namespace cocola
