// Adam over one flat buffer.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>

namespace cocola {

// How a step is computed: as operations of its parts, in the order of torch.optim.Adam on the CPU;
// or as one kernel that reads from the device which step it is, with which learning rate, and
// whether it happens, so that nothing waits for it and a recorded step can be played again. No GPU
// has run the kernel yet.
enum class AdamForm { parts, kernel };

// betas 0.9 and 0.999, eps 1e-8, no weight decay: PyTorch's defaults.
// Law: equal to torch.optim.Adam to rounding, in both forms.
class Adam {
 public:
  // The kernel on a GPU, parts on the CPU.
  explicit Adam(const at::Tensor& parameters);
  Adam(const at::Tensor& parameters, AdamForm form);
  // A step that changes nothing where `happens` is false. Parts wait for the device to say so, the
  // kernel waits for nothing. Nobody has counted the step yet.
  //
  // Shapes: parameters, gradients [P]; learning_rate [] float64, happens [] bool; on one device.
  void queue_step(at::Tensor& parameters, const at::Tensor& gradients,
                  const at::Tensor& learning_rate, const at::Tensor& happens);
  // The step that was queued last has happened. Once for each, before the next one.
  void count_step() { ++num_steps_; }

  at::Tensor& first_moment() { return first_moment_; }
  at::Tensor& second_moment() { return second_moment_; }
  int64_t num_steps() const { return num_steps_; }
  void set_num_steps(int64_t n);

 private:
  void step_in_parts(at::Tensor& parameters, const at::Tensor& gradients, double learning_rate);
  void step_in_kernel(at::Tensor& parameters, const at::Tensor& gradients,
                      const at::Tensor& learning_rate, const at::Tensor& happens);

  at::Tensor first_moment_, second_moment_;
  int64_t num_steps_ = 0;
  // [] float, beside the parameters, for the kernel, which counts for itself; exact up to 2^24
  // steps, and by then nothing depends on the number.
  at::Tensor steps_on_device_;
};

}  // namespace cocola
