#include "training/step_inputs.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <array>

namespace cocola {
namespace {

constexpr size_t kNumTensors = 6;

template <typename Inputs>
auto tensors_of(Inputs& inputs) {
  return std::array{&inputs.anchors,       &inputs.positives, &inputs.kept.blocks,
                    &inputs.kept.features, &inputs.wishes,    &inputs.learning_rate};
}

}  // namespace

StepInputs StepInputs::copied_to(at::Device device) const {
  StepInputs copy;
  const auto from = tensors_of(*this);
  const auto to = tensors_of(copy);
  for (size_t i = 0; i < kNumTensors; ++i) {
    if (from[i]->defined()) *to[i] = at::empty_like(*from[i], from[i]->options().device(device));
  }
  copy.copy_from(*this);
  return copy;
}

bool StepInputs::has_shapes_of(const StepInputs& other) const {
  const auto ours = tensors_of(*this), theirs = tensors_of(other);
  for (size_t i = 0; i < kNumTensors; ++i) {
    if (ours[i]->defined() != theirs[i]->defined()) return false;
    if (ours[i]->defined() && ours[i]->sizes() != theirs[i]->sizes()) return false;
  }
  return true;
}

void StepInputs::copy_from(const StepInputs& other) {
  const at::NoGradGuard no_grad;
  const auto to = tensors_of(*this);
  const auto from = tensors_of(other);
  for (size_t i = 0; i < kNumTensors; ++i) {
    if (from[i]->defined()) to[i]->copy_(*from[i]);
  }
}

KeptRows draw_kept_rows(const CocolaModel& model, const Batch& batch,
                        const TrainingConfig& config) {
  const RowDraws draws{config.seed, batch.epoch, batch.window_ids};
  const KeptRows kept = model.draw_kept_rows(draws, config.pairs_per_group);
  return model.device().is_cuda() ? kept.pinned() : kept;
}

StepInputs step_inputs(const CocolaModel& model, const Batch& batch, const KeptRows& kept,
                       double learning_rate, StepWishes wishes) {
  const at::Device device = model.device();
  const auto there = [device](const at::Tensor& t) {
    return device.is_cuda() ? t.pin_memory().to(device, /*non_blocking=*/true) : t;
  };
  return {batch.anchors, batch.positives, kept.to(device),
          there(at::tensor({wishes.stop ? 1.0F : 0.0F, wishes.time_up ? 1.0F : 0.0F})),
          there(at::full({}, learning_rate, at::kDouble))};
}

StepInputs step_inputs(const CocolaModel& model, const Batch& batch, const TrainingConfig& config,
                       double learning_rate, StepWishes wishes) {
  return step_inputs(model, batch, draw_kept_rows(model, batch, config), learning_rate, wishes);
}

}  // namespace cocola
