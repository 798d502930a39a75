// The arithmetic of a forward pass: float32, TF32 products, or bfloat16 under autocast.
#pragma once
#include <c10/core/Device.h>

#include "training/training_config.h"

namespace cocola {

// Sets the process-wide switches of float32 products on a GPU: TF32 for tf32 and bf16, full float32
// otherwise.
void set_product_precision(Precision precision);

// While alive, operations of this thread run under autocast to bfloat16 when precision is bf16.
class AutocastGuard {
 public:
  AutocastGuard(Precision precision, c10::DeviceType device);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  bool active_;
  c10::DeviceType device_;
};

}  // namespace cocola
