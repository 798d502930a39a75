#include "training/train_step.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "objective/contrastive_loss.h"
#include "training/grad_cache.h"
#include "training/reproducibility.h"

namespace cocola {
namespace {

// Share of the newest step in the running statistics, as in the original network.
constexpr double kBatchNormMomentum = 0.01;
// What a step tells after the figures of its loss: gradient norm, FlatParameters::extra(), and
// this.
constexpr int64_t kFiniteAmongTold = 1 + FlatParameters::kExtra;

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

// Fills flat.reduced() and returns what a report is read from.
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

  const at::Tensor norm = flat.gradients().norm();
  const at::Tensor mean_loss = loss.figures[0];
  const at::Tensor finite = mean_loss.isfinite() & norm.isfinite() & statistics_are_finite(flat);
  return at::cat({loss.figures, norm.view({1}).to(at::kDouble), flat.extra().to(at::kDouble),
                  finite.view({1}).to(at::kDouble)});
}

// The only place of a step that waits for the GPU: all it has to tell, in one copy.
StepReport read_report(const at::Tensor& told) {
  const at::Tensor host = told.cpu();
  const auto value = [&](int64_t i) { return host[kNumLossFigures + i].item<double>(); };
  StepReport report{loss_figures_from(host)};
  report.gradient_norm = value(0);
  report.stop = value(1) > 0;
  report.time_up = value(2) > 0;
  report.finite = value(kFiniteAmongTold) > 0;
  return report;
}

}  // namespace

at::Tensor queue_step(CocolaModel& model, FlatParameters& flat, Adam& adam,
                      const StepInputs& inputs, const TrainingConfig& config, Communicator& world) {
  const at::Tensor told = queue_gradients(model, flat, inputs, config, world);
  const at::Tensor finite = told[kNumLossFigures + kFiniteAmongTold].gt(0);
  adam.queue_step(flat.values(), flat.gradients(), inputs.learning_rate, finite);
  const at::Tensor moved = flat.running().lerp(flat.statistics(), kBatchNormMomentum);
  flat.running().copy_(at::where(finite, moved, flat.running()));
  return told;
}

StepReport end_step(const at::Tensor& told, Adam& adam) {
  const StepReport report = read_report(told);
  if (report.finite) adam.count_step();
  return report;
}

StepReport compute_gradients(CocolaModel& model, FlatParameters& flat, const Batch& batch,
                             const TrainingConfig& config, StepWishes wishes, Communicator& world) {
  const StepInputs inputs = step_inputs(model, batch, config, 0.0, wishes);
  return read_report(queue_gradients(model, flat, inputs, config, world));
}

StepReport train_step(CocolaModel& model, FlatParameters& flat, Adam& adam, const Batch& batch,
                      const TrainingConfig& config, double learning_rate, StepWishes wishes,
                      Communicator& world) {
  const StepInputs inputs = step_inputs(model, batch, config, learning_rate, wishes);
  return end_step(queue_step(model, flat, adam, inputs, config, world), adam);
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
