#include "training/grad_cache.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "objective/tree_sum.h"
#include "training/precision.h"

namespace cocola {

StepEmbeddings::StepEmbeddings(const CocolaModel& model, FlatParameters& flat,
                               const StepInputs& inputs, const TrainingConfig& config)
    : model_(model), flat_(flat), inputs_(inputs), config_(config) {
  const int64_t num_pairs = inputs.anchors.size(0);
  // The invariant sums need the gradient of each group by itself.
  const int64_t piece =
      config.is_invariant() ? config.pairs_per_group : config.pairs_in_memory(num_pairs);
  for (int64_t first = 0; first < num_pairs; first += piece) {
    pieces_.push_back({first, std::min(first + piece, num_pairs), {}, {}});
  }
  embed_all();
}

void StepEmbeddings::embed_all() {
  const int64_t num_pairs = inputs_.anchors.size(0);
  const int64_t first_kept = num_pairs - config_.pairs_in_memory(num_pairs);
  std::vector<at::Tensor> anchors, positives;
  TreeSum statistics;
  for (Piece& piece : pieces_) {
    const bool kept = at::GradMode::is_enabled() && piece.first >= first_kept;
    const at::AutoGradMode graph(kept);
    const at::Tensor counted =
        config_.is_invariant() ? at::zeros_like(flat_.statistics()) : flat_.statistics();
    auto [a, p] = embed(piece, counted);
    if (config_.is_invariant()) statistics.add(counted);
    anchors.push_back(a.detach());
    positives.push_back(p.detach());
    if (kept) std::tie(piece.anchors, piece.positives) = std::pair(a, p);
  }
  if (config_.is_invariant()) flat_.statistics().add_(statistics.take());
  anchors_ = at::cat(anchors);
  positives_ = at::cat(positives);
}

int64_t StepEmbeddings::num_kept() const {
  int64_t pairs = 0;
  for (const Piece& piece : pieces_) {
    if (piece.anchors.defined()) pairs += piece.last - piece.first;
  }
  return pairs;
}

std::pair<at::Tensor, at::Tensor> StepEmbeddings::embed(const Piece& piece,
                                                        const at::Tensor& statistics) const {
  const AutocastGuard autocast(config_.precision, model_.device().type());
  const auto part = [&](const at::Tensor& views) {
    return views.slice(0, piece.first, piece.last).to(model_.device(), true);
  };
  const int64_t g = config_.pairs_per_group;
  return model_.embed_pairs(part(inputs_.anchors), part(inputs_.positives), g,
                            config_.groups_per_step(), statistics,
                            inputs_.kept.of_calls(piece.first / g, piece.last / g));
}

void StepEmbeddings::backward_piece(Piece& piece, const at::Tensor& d_anchors,
                                    const at::Tensor& d_positives) {
  if (!piece.anchors.defined()) {
    const at::Tensor counted_before = at::zeros_like(flat_.statistics());
    std::tie(piece.anchors, piece.positives) = embed(piece, counted_before);
  }
  torch::autograd::backward(
      {piece.anchors, piece.positives},
      {d_anchors.slice(0, piece.first, piece.last), d_positives.slice(0, piece.first, piece.last)});
  piece.anchors = piece.positives = at::Tensor();
}

// Last piece first: its activations make room for those of the others.
void StepEmbeddings::backward(const at::Tensor& d_anchors, const at::Tensor& d_positives) {
  at::Tensor gradients = flat_.gradients();
  TreeSum sum;
  for (auto piece = pieces_.rbegin(); piece != pieces_.rend(); ++piece) {
    backward_piece(*piece, d_anchors, d_positives);
    if (!config_.is_invariant()) continue;
    sum.add(gradients.clone());
    gradients.zero_();
  }
  if (config_.is_invariant()) gradients.copy_(sum.take());
}

}  // namespace cocola
