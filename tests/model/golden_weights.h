// The deterministic weights of the reference arrays (tests/golden/README.md) in a model.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <cmath>

#include "model/cocola_model.h"

namespace cocola::testing {

inline uint64_t splitmix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// [count] float64 in [-1, 1).
inline at::Tensor golden_uniform(uint64_t salt, uint64_t tensor_index, int64_t count) {
  at::Tensor values = at::empty({count}, at::kDouble);
  double* const first = values.mutable_data_ptr<double>();
  for (int64_t j = 0; j < count; ++j) {
    const uint64_t x = (salt << 48) + (tensor_index << 32) + static_cast<uint64_t>(j);
    first[j] = static_cast<double>(splitmix64(x) >> 11) * 0x1p-52 - 1.0;
  }
  return values;
}

inline void fill_with_golden_weights(CocolaModel& model, uint64_t salt) {
  const at::NoGradGuard no_grad;
  uint64_t index = 0;
  for (const StateEntry& entry : model.state().entries()) {
    const uint64_t i = index++;
    if (entry.role == StateRole::counter) continue;
    const at::Tensor& tensor = entry.tensor;
    at::Tensor u = golden_uniform(salt, i, tensor.numel()).reshape(tensor.sizes());
    const bool is_weight = entry.name.ends_with("weight");
    if (entry.role == StateRole::running_var || (is_weight && tensor.dim() == 1)) {
      u = 1.0 + 0.1 * u;
    } else if (entry.role == StateRole::running_mean || entry.name.ends_with("bias")) {
      u = 0.02 * u;
    } else if (entry.name == "similarity.w") {
      u = 0.05 * std::sqrt(3.0) * u;
    } else {
      const auto fan_in = static_cast<double>(tensor[0].numel());
      u = std::sqrt(6.0 / fan_in) * u;
      if (entry.name.ends_with("_conv_stem.weight")) u = u / 16.0;
    }
    tensor.copy_(u);
  }
}

}  // namespace cocola::testing
