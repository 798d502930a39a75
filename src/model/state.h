// The tensors of a model under their original names: parameters, and the running statistics of
// batch norms.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <string>
#include <vector>

namespace cocola {

enum class StateRole { parameter, running_mean, running_var, counter };

struct StateEntry {
  std::string name;
  at::Tensor
      tensor;  // shared with the layer that uses it; in-place changes and set_data reach the layer
  StateRole role = StateRole::parameter;
};

// Entries in the order of the original state dict.
class ModelState {
 public:
  at::Tensor add(const std::string& name, at::Tensor tensor, StateRole role);
  const std::vector<StateEntry>& entries() const { return entries_; }
  std::vector<StateEntry>& entries() { return entries_; }
  int64_t num_parameters() const;  // values, not tensors
  int64_t num_statistics() const;  // running means and variances, values

 private:
  std::vector<StateEntry> entries_;
};

}  // namespace cocola
