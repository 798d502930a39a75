#include "model/state.h"

#include <algorithm>

#include "base/error.h"

namespace cocola {

at::Tensor ModelState::add(const std::string& name, at::Tensor tensor, StateRole role) {
  if (std::ranges::any_of(entries_, [&](const StateEntry& entry) { return entry.name == name; })) {
    fail("ModelState", "the tensor '{}' is added twice", name);
  }
  tensor.requires_grad_(role == StateRole::parameter);
  entries_.push_back({name, tensor, role});
  return tensor;
}

int64_t ModelState::num_parameters() const {
  int64_t count = 0;
  for (const StateEntry& entry : entries_) {
    if (entry.role == StateRole::parameter) count += entry.tensor.numel();
  }
  return count;
}

int64_t ModelState::num_statistics() const {
  int64_t count = 0;
  for (const StateEntry& entry : entries_) {
    if (entry.role == StateRole::running_mean || entry.role == StateRole::running_var) {
      count += entry.tensor.numel();
    }
  }
  return count;
}

}  // namespace cocola
