#include "training/train_step.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "base/error.h"
#include "objective/contrastive_loss.h"
#include "training/grad_cache.h"
#include "training/reproducibility.h"

namespace cocola {
namespace {

// Share of the newest step in the running statistics, as in the original network.
constexpr double kBatchNormMomentum = 0.01;

void require_finite(const StepReport& report, int64_t step) {
  if (std::isfinite(report.loss) && std::isfinite(report.gradient_norm)) return;
  fail("train_step",
       "step {}: loss {} and gradient norm {} are not both finite; the parameters were not "
       "updated. Lower training.learning_rate or look for broken stems",
       step, report.loss, report.gradient_norm);
}

void all_reduce(Communicator& world, at::Tensor tensor, const TrainingConfig& config) {
  if (config.is_invariant()) {
    all_reduce_in_tree(world, std::move(tensor));
  } else {
    world.all_reduce_sum(std::move(tensor));
  }
}

}  // namespace

StepReport compute_gradients(CocolaModel& model, FlatParameters& flat, const Batch& batch,
                             const TrainingConfig& config, StepWishes wishes, Communicator& world) {
  flat.reduced().zero_();
  StepEmbeddings embeddings(model, flat, batch, config);
  const at::Tensor w = model.bilinear_weight();
  const ContrastiveLoss loss = contrastive_loss(
      embeddings.anchors(), embeddings.positives(), {w, model.similarity_scale()}, world,
      {config.loss.directions, config.is_invariant() ? config.pairs_per_group : 0});

  embeddings.backward(loss.d_anchors, loss.d_positives);
  if (w.defined()) w.mutable_grad().add_(loss.d_w);
  flat.extra()[0] = wishes.stop ? 1.0 : 0.0;
  flat.extra()[1] = wishes.time_up ? 1.0 : 0.0;
  all_reduce(world, flat.reduced(), config);

  StepReport report{loss.loss, loss.accuracy, loss.mean_similarity, loss.max_similarity,
                    loss.softmax_entropy};
  report.gradient_norm = flat.gradients().norm().item<double>();
  report.stop = flat.extra()[0].item<double>() > 0;
  report.time_up = flat.extra()[1].item<double>() > 0;
  return report;
}

StepReport train_step(CocolaModel& model, FlatParameters& flat, Adam& adam, const Batch& batch,
                      const TrainingConfig& config, double learning_rate, StepWishes wishes,
                      Communicator& world) {
  const StepReport report = compute_gradients(model, flat, batch, config, wishes, world);
  require_finite(report, batch.step);
  adam.step(flat.values(), flat.gradients(), learning_rate);
  flat.running().lerp_(flat.statistics(), kBatchNormMomentum);
  return report;
}

StatisticsRecomputation::StatisticsRecomputation(CocolaModel& model, FlatParameters& flat,
                                                 const TrainingConfig& config)
    : model_(model), flat_(flat), config_(config), sum_(at::zeros_like(flat.running())) {}

void StatisticsRecomputation::add(const Batch& batch, Communicator& world) {
  const at::NoGradGuard no_grad;
  flat_.reduced().zero_();
  const StepEmbeddings embeddings(model_, flat_, batch, config_);
  all_reduce(world, flat_.reduced(), config_);
  sum_.add_(flat_.statistics());
  ++num_steps_;
}

void StatisticsRecomputation::finish() {
  flat_.running().copy_(sum_.div_(static_cast<double>(num_steps_)));
}

}  // namespace cocola
