#include "training/adam.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace cocola {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

}  // namespace

Adam::Adam(const at::Tensor& parameters)
    : first_moment_(at::zeros_like(parameters)), second_moment_(at::zeros_like(parameters)) {}

void Adam::step(at::Tensor& parameters, const at::Tensor& gradients, double learning_rate) {
  const at::NoGradGuard no_grad;
  ++num_steps_;
  const auto n = static_cast<double>(num_steps_);
  const double correction1 = 1.0 - std::pow(kBeta1, n);
  const double correction2 = 1.0 - std::pow(kBeta2, n);
  first_moment_.lerp_(gradients, 1.0 - kBeta1);
  second_moment_.mul_(kBeta2).addcmul_(gradients, gradients, 1.0 - kBeta2);
  const at::Tensor denominator = second_moment_.sqrt().div_(std::sqrt(correction2)).add_(kEpsilon);
  parameters.addcdiv_(first_moment_, denominator, -learning_rate / correction1);
}

}  // namespace cocola
