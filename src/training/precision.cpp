#include "training/precision.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

namespace cocola {

void set_product_precision(Precision precision) {
  const bool allow_tf32 = precision != Precision::fp32;
  at::globalContext().setAllowTF32CuBLAS(allow_tf32);
  at::globalContext().setAllowTF32CuDNN(allow_tf32);
}

AutocastGuard::AutocastGuard(Precision precision, c10::DeviceType device)
    : active_(precision == Precision::bf16), device_(device) {
  if (!active_) return;
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  at::autocast::increment_nesting();
}

AutocastGuard::~AutocastGuard() {
  if (!active_) return;
  // The cached bfloat16 weights belong to this pass: the update changes what they were made from.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

}  // namespace cocola
