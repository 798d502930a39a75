// Adam over one flat buffer.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>

namespace cocola {

// How a step is computed: as operations of its parts, in the order of torch.optim.Adam on the CPU;
// or as one kernel that reads step and learning rate from the device, so that nothing waits for it
// and a recorded step can be played again. No GPU has run the kernel yet.
enum class AdamForm { parts, kernel };

// betas 0.9 and 0.999, eps 1e-8, no weight decay: PyTorch's defaults.
// Law: equal to torch.optim.Adam to rounding, in both forms.
class Adam {
 public:
  // The kernel on a GPU, parts on the CPU.
  explicit Adam(const at::Tensor& parameters);
  Adam(const at::Tensor& parameters, AdamForm form);
  // parameters and gradients [P], same device. Counts the step.
  void step(at::Tensor& parameters, const at::Tensor& gradients, double learning_rate);

  at::Tensor& first_moment() { return first_moment_; }
  at::Tensor& second_moment() { return second_moment_; }
  int64_t num_steps() const { return num_steps_; }
  void set_num_steps(int64_t n);

 private:
  void step_in_parts(at::Tensor& parameters, const at::Tensor& gradients, double learning_rate);
  void step_in_kernel(at::Tensor& parameters, const at::Tensor& gradients, double learning_rate);

  at::Tensor first_moment_, second_moment_;
  int64_t num_steps_ = 0;
  // [] float, beside the parameters, for the kernel; exact up to 2^24 steps, and by then nothing
  // depends on the number.
  at::Tensor steps_on_device_, rate_on_device_;
};

}  // namespace cocola
