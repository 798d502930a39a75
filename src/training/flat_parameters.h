// All parameters, gradients and batch-norm statistics of a model as contiguous buffers, so that
// zeroing, reducing and updating are one operation each.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>

#include "model/state.h"

namespace cocola {

// Rebinds the state's tensors to views of flat buffers (convolution weights in channels_last
// order).
//
// Requires: the state lives on its final device; it must outlive nothing here - views keep buffers
// alive. Law:      values are unchanged by construction; state entry i and its gradient are views.
class FlatParameters {
 public:
  explicit FlatParameters(ModelState& state);

  at::Tensor& values() { return values_; }  // [P] float32, parameters in state order
  const at::Tensor& values() const { return values_; }
  // [P + S + kExtra]: gradients, then this step's mean batch-norm statistics, then `extra` flags
  // that ride along.
  at::Tensor& reduced() { return reduced_; }
  const at::Tensor& reduced() const { return reduced_; }
  at::Tensor gradients() const;               // [P] view of reduced()
  at::Tensor statistics() const;              // [S] view of reduced()
  at::Tensor extra() const;                   // [kExtra] view of reduced()
  at::Tensor& running() { return running_; }  // [S] running means and variances in state order
  const at::Tensor& running() const { return running_; }

  int64_t num_parameters() const { return num_parameters_; }
  int64_t num_statistics() const { return num_statistics_; }
  static constexpr int64_t kExtra = 2;  // [0]: ranks told to stop; [1]: rank 0's time is up

 private:
  int64_t num_parameters_ = 0, num_statistics_ = 0;
  at::Tensor values_, reduced_, running_;
};

}  // namespace cocola
