// Adam over one flat buffer.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>

namespace cocola {

// betas 0.9 and 0.999, eps 1e-8, no weight decay: PyTorch's defaults.
// Law: equal to torch.optim.Adam to rounding.
class Adam {
 public:
  explicit Adam(const at::Tensor& parameters);
  // parameters and gradients [P], same device. Counts the step.
  void step(at::Tensor& parameters, const at::Tensor& gradients, double learning_rate);

  at::Tensor& first_moment() { return first_moment_; }
  at::Tensor& second_moment() { return second_moment_; }
  int64_t num_steps() const { return num_steps_; }
  void set_num_steps(int64_t n) { num_steps_ = n; }

 private:
  at::Tensor first_moment_, second_moment_;
  int64_t num_steps_ = 0;
};

}  // namespace cocola
