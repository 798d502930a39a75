#include "training/grad_cache.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <span>

#include "training/precision.h"

namespace cocola {

StepEmbeddings::StepEmbeddings(const CocolaModel& model, const FlatParameters& flat,
                               const Batch& batch, const TrainingConfig& config)
    : model_(model),
      flat_(flat),
      batch_(batch),
      config_(config),
      num_pairs_(batch.anchors.size(0)),
      piece_(config.pairs_in_memory(num_pairs_)) {
  if (piece_ == num_pairs_) {
    std::tie(anchors_, positives_) = embed(0, num_pairs_, flat.statistics());
    return;
  }
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> anchors, positives;
  for (int64_t first = 0; first < num_pairs_; first += piece_) {
    auto [a, p] = embed(first, std::min(first + piece_, num_pairs_), flat.statistics());
    anchors.push_back(std::move(a));
    positives.push_back(std::move(p));
  }
  anchors_ = at::cat(anchors);
  positives_ = at::cat(positives);
}

std::pair<at::Tensor, at::Tensor> StepEmbeddings::embed(int64_t first, int64_t last,
                                                        const at::Tensor& statistics) const {
  const AutocastGuard autocast(config_.precision, model_.device().type());
  const auto part = [&](const at::Tensor& views) {
    return views.slice(0, first, last).to(model_.device(), true);
  };
  return model_.embed_pairs(
      part(batch_.anchors), part(batch_.positives), config_.pairs_per_group,
      config_.groups_per_step(), statistics, config_.seed, batch_.epoch,
      std::span(batch_.window_ids)
          .subspan(static_cast<size_t>(first), static_cast<size_t>(last - first)));
}

void StepEmbeddings::backward(const at::Tensor& d_anchors, const at::Tensor& d_positives) {
  if (piece_ == num_pairs_) {
    torch::autograd::backward({anchors_, positives_}, {d_anchors, d_positives});
    return;
  }
  const at::Tensor counted_before = at::zeros_like(flat_.statistics());
  for (int64_t first = (num_pairs_ - 1) / piece_ * piece_; first >= 0; first -= piece_) {
    const int64_t last = std::min(first + piece_, num_pairs_);
    const auto [anchors, positives] = embed(first, last, counted_before);
    torch::autograd::backward({anchors, positives},
                              {d_anchors.slice(0, first, last), d_positives.slice(0, first, last)});
  }
}

}  // namespace cocola
