#include "training/adam.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace cocola {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

}  // namespace

Adam::Adam(const at::Tensor& parameters)
    : Adam(parameters, parameters.is_cuda() ? AdamForm::kernel : AdamForm::parts) {}

Adam::Adam(const at::Tensor& parameters, AdamForm form)
    : first_moment_(at::zeros_like(parameters)), second_moment_(at::zeros_like(parameters)) {
  if (form == AdamForm::parts) return;
  steps_on_device_ = at::zeros({}, parameters.options().dtype(at::kFloat).requires_grad(false));
}

void Adam::set_num_steps(int64_t n) {
  num_steps_ = n;
  if (steps_on_device_.defined()) steps_on_device_.fill_(static_cast<double>(n));
}

void Adam::queue_step(at::Tensor& parameters, const at::Tensor& gradients,
                      const at::Tensor& learning_rate, const at::Tensor& happens) {
  const at::NoGradGuard no_grad;
  if (steps_on_device_.defined()) {
    step_in_kernel(parameters, gradients, learning_rate, happens);
  } else if (happens.item<bool>()) {
    step_in_parts(parameters, gradients, learning_rate.item<double>());
  }
}

void Adam::step_in_parts(at::Tensor& parameters, const at::Tensor& gradients,
                         double learning_rate) {
  const auto n = static_cast<double>(num_steps_ + 1);
  const double correction1 = 1.0 - std::pow(kBeta1, n);
  const double correction2 = 1.0 - std::pow(kBeta2, n);
  first_moment_.lerp_(gradients, 1.0 - kBeta1);
  second_moment_.mul_(kBeta2).addcmul_(gradients, gradients, 1.0 - kBeta2);
  const at::Tensor denominator = second_moment_.sqrt().div_(std::sqrt(correction2)).add_(kEpsilon);
  parameters.addcdiv_(first_moment_, denominator, -learning_rate / correction1);
}

void Adam::step_in_kernel(at::Tensor& parameters, const at::Tensor& gradients,
                          const at::Tensor& learning_rate, const at::Tensor& happens) {
  steps_on_device_.add_(happens);
  const at::Tensor found_infinite = happens.logical_not().to(at::kFloat);
  at::_fused_adam_({parameters}, {gradients}, {first_moment_}, {second_moment_}, {},
                   {steps_on_device_}, learning_rate.to(at::kFloat), kBeta1, kBeta2,
                   /*weight_decay=*/0.0, kEpsilon, /*amsgrad=*/false, /*maximize=*/false,
                   /*grad_scale=*/{}, found_infinite);
}

}  // namespace cocola
