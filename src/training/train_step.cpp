#include "training/train_step.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "objective/contrastive_loss.h"
#include "training/grad_cache.h"
#include "training/reproducibility.h"

namespace cocola {
namespace {

// Share of the newest step in the running statistics, as in the original network.
constexpr double kBatchNormMomentum = 0.01;

// Sums over the world: all ranks answer alike.
at::Tensor statistics_are_finite(const FlatParameters& flat) {
  return flat.statistics().isfinite().all();
}

void all_reduce(Communicator& world, at::Tensor tensor, const TrainingConfig& config) {
  if (config.is_invariant()) {
    all_reduce_in_tree(world, std::move(tensor));
  } else {
    world.all_reduce_sum(std::move(tensor));
  }
}

}  // namespace

at::Tensor queue_gradients(CocolaModel& model, FlatParameters& flat, const StepInputs& inputs,
                           const TrainingConfig& config, Communicator& world) {
  flat.reduced().zero_();
  StepEmbeddings embeddings(model, flat, inputs, config);
  const at::Tensor w = model.bilinear_weight();
  const ContrastiveLoss loss = contrastive_loss(
      embeddings.anchors(), embeddings.positives(), {w, model.similarity_scale()}, world,
      {config.loss.directions, config.is_invariant() ? config.pairs_per_group : 0});

  embeddings.backward(loss.d_anchors, loss.d_positives);
  if (w.defined()) w.mutable_grad().add_(loss.d_w);
  flat.extra().copy_(inputs.wishes);
  all_reduce(world, flat.reduced(), config);

  return at::cat({loss.figures, flat.gradients().norm().view({1}).to(at::kDouble),
                  flat.extra().to(at::kDouble),
                  statistics_are_finite(flat).view({1}).to(at::kDouble)});
}

// The only place of a step that waits for the GPU: all it has to tell, in one copy.
StepReport read_report(const at::Tensor& told) {
  const at::Tensor host = told.cpu();
  const auto value = [&](int64_t i) { return host[kNumLossFigures + i].item<double>(); };
  StepReport report{loss_figures_from(host)};
  report.gradient_norm = value(0);
  report.stop = value(1) > 0;
  report.time_up = value(2) > 0;
  report.finite = std::isfinite(report.loss) && std::isfinite(report.gradient_norm) && value(3) > 0;
  return report;
}

void apply_update(FlatParameters& flat, Adam& adam, const StepReport& report, double learning_rate) {
  if (!report.finite) return;
  adam.step(flat.values(), flat.gradients(), learning_rate);
  flat.running().lerp_(flat.statistics(), kBatchNormMomentum);
}

StepReport compute_gradients(CocolaModel& model, FlatParameters& flat, const Batch& batch,
                             const TrainingConfig& config, StepWishes wishes, Communicator& world) {
  const StepInputs inputs = step_inputs(model, batch, config, wishes);
  return read_report(queue_gradients(model, flat, inputs, config, world));
}

StepReport train_step(CocolaModel& model, FlatParameters& flat, Adam& adam, const Batch& batch,
                      const TrainingConfig& config, double learning_rate, StepWishes wishes,
                      Communicator& world) {
  const StepReport report = compute_gradients(model, flat, batch, config, wishes, world);
  apply_update(flat, adam, report, learning_rate);
  return report;
}

StatisticsRecomputation::StatisticsRecomputation(CocolaModel& model, FlatParameters& flat,
                                                 const TrainingConfig& config)
    : model_(model), flat_(flat), config_(config), sum_(at::zeros_like(flat.running())) {}

void StatisticsRecomputation::add(const Batch& batch, Communicator& world) {
  const at::NoGradGuard no_grad;
  flat_.reduced().zero_();
  const StepInputs inputs = step_inputs(model_, batch, config_);
  const StepEmbeddings embeddings(model_, flat_, inputs, config_);
  all_reduce(world, flat_.reduced(), config_);
  if (!statistics_are_finite(flat_).item<bool>()) return;
  sum_.add_(flat_.statistics());
  ++num_steps_;
}

void StatisticsRecomputation::finish() {
  if (num_steps_ == 0) return;
  flat_.running().copy_(sum_.div_(static_cast<double>(num_steps_)));
}

}  // namespace cocola
