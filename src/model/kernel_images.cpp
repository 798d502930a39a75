#include "model/kernel_images.h"

namespace cocola {

bool kernels_take(const at::Tensor& x, const at::Tensor& weight) {
  const at::ScalarType type = x.scalar_type();
  const bool types_fit = type == at::kBFloat16 ? weight.scalar_type() == at::kFloat
                                               : (type == at::kFloat || type == at::kDouble) &&
                                                     weight.scalar_type() == type;
  return types_fit && x.is_cpu() && x.dim() == 4 && x.numel() > 0 &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace cocola
