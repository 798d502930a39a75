#include "objective/contrastive_loss.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sub.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <vector>

#include "base/error.h"
#include "objective/tree_sum.h"

namespace cocola {
namespace {

// Similarities and softmax stay in the precision of the embeddings: no autograd, autocast or TF32.
struct ExactArithmetic {
  at::NoGradGuard no_grad;
  c10::impl::ExcludeDispatchKeyGuard no_autocast{c10::autocast_dispatch_keyset};
  at::NoTF32Guard no_tf32;
};

void require_embeddings(const at::Tensor& x, const at::Tensor& y, const SimilarityForm& form) {
  if (!x.defined() || !y.defined() || x.dim() != 2 || y.dim() != 2 || x.size(1) != y.size(1)) {
    fail("objective", "embeddings are {} and {}; expected two matrices with rows of equal length",
         x.defined() ? c10::str(x.sizes()) : "undefined",
         y.defined() ? c10::str(y.sizes()) : "undefined");
  }
  const at::ScalarType type = x.scalar_type();
  if ((type != at::kFloat && type != at::kDouble) || y.scalar_type() != type) {
    fail("objective", "embeddings are of type {} and {}; expected both float32 or both float64",
         c10::toString(type), c10::toString(y.scalar_type()));
  }
  const at::Tensor& w = form.w;
  if (w.defined() && (w.dim() != 2 || w.size(0) != x.size(1) || w.size(1) != x.size(1) ||
                      w.scalar_type() != type)) {
    fail("objective", "W is {} of type {}; expected [{}, {}] of type {}", c10::str(w.sizes()),
         c10::toString(w.scalar_type()), x.size(1), x.size(1), c10::toString(type));
  }
}

// x^T M as rows: the matrix of the similarity joins one side of it.
at::Tensor join(const at::Tensor& x, const SimilarityForm& form) {
  return form.w.defined() ? at::matmul(x, form.w) : x * form.scale;
}

SimilarityForm transposed(const SimilarityForm& form) {
  return {form.w.defined() ? form.w.t() : at::Tensor(), form.scale};
}

// One of the two views of the step, as this rank sees it. Own rows are taken from the gathered
// ones, so that they lie in memory alike in every world.
struct View {
  at::Tensor own, partners;  // [B, D]
  at::Tensor candidates;     // [K, D] of the other view
  SimilarityForm form;       // own^T form candidate

  // Fills block [n, K] for own rows from `start`.
  void fill_similarity(int64_t start, at::Tensor& block) const {
    at::mm_out(block, join(own.narrow(0, start, block.size(0)), form), candidates.t());
  }
};

// The embeddings of the whole step and the place of this rank's pairs in it.
struct Step {
  View anchors, positives;
  int64_t num_pairs = 0, num_own = 0;
  int64_t first = 0;  // global index of this rank's first pair
  int64_t tile = 0;   // own pairs handled together

  void for_each_tile(const std::function<void(int64_t start, int64_t n)>& visit) const {
    for (int64_t start = 0; start < num_own; start += tile) {
      visit(start, std::min(tile, num_own - start));
    }
  }
};

int64_t tile_of(int64_t num_own, int64_t num_pairs, int64_t bytes_per_value,
                const LossOptions& options) {
  constexpr int64_t kTileBytes = int64_t{64} << 20;
  if (options.pairs_per_tile == 0) {
    return std::clamp<int64_t>(kTileBytes / (num_pairs * bytes_per_value), 1, num_own);
  }
  if (options.pairs_per_tile < 0 || num_own % options.pairs_per_tile != 0) {
    fail("objective", "{} pairs in a tile do not divide the {} pairs of a rank",
         options.pairs_per_tile, num_own);
  }
  return options.pairs_per_tile;
}

Step gather_step(const at::Tensor& anchors, const at::Tensor& positives, const SimilarityForm& form,
                 Communicator& world, const LossOptions& options) {
  const int64_t num_own = anchors.size(0), embedding_size = anchors.size(1);
  const int64_t num_pairs = num_own * world.world_size(), first = num_own * world.rank();
  if (num_pairs < 2) {
    fail("objective", "a step of {} pair has no negatives; expected 2 pairs or more", num_pairs);
  }
  const int64_t tile = tile_of(num_own, num_pairs, anchors.element_size(), options);
  const at::Tensor both = world.all_gather(at::cat({anchors, positives}, 1));  // [K, 2 D]
  const at::Tensor x = both.narrow(1, 0, embedding_size);
  const at::Tensor y = both.narrow(1, embedding_size, embedding_size);
  const at::Tensor own_x = x.narrow(0, first, num_own), own_y = y.narrow(0, first, num_own);
  return {{own_x, own_y, y, form},
          {own_y, own_x, x, transposed(form)},
          num_pairs,
          num_own,
          first,
          tile};
}

// What the whole step needs to know about some pairs: of each anchor's row of similarities, and of
// its positive's column, which one direction does not need.
struct PairSummary {
  at::Tensor log_sum_exp, positive, hit, maximum, entropy;  // [n]
  at::Tensor column_log_sum_exp;                            // [n] or undefined

  at::Tensor pack() const {
    std::vector<at::Tensor> columns = {log_sum_exp, positive, hit, maximum, entropy};
    if (column_log_sum_exp.defined()) columns.push_back(column_log_sum_exp);
    return at::stack(columns, 1);
  }
  static PairSummary unpack(const at::Tensor& packed) {
    const std::vector<at::Tensor> columns = packed.unbind(1);
    return {columns[0], columns[1], columns[2],
            columns[3], columns[4], columns.size() > 5 ? columns[5] : at::Tensor()};
  }
};

// Fills the summary of own anchors from `start`, and `exponentials` [n, K] from their similarities,
// which are lost; the softmax is those divided by the returned sums [n, 1].
at::Tensor summarise_rows(const Step& step, int64_t start, at::Tensor& similarity,
                          at::Tensor& exponentials, PairSummary& summary) {
  const int64_t own_place = step.first + start;
  // max returns the lowest index of equal maxima.
  const auto [maximum, best] = similarity.max(1);
  const at::Tensor own = at::arange(similarity.size(0), best.options()).add_(own_place);
  summary.maximum = maximum;
  summary.hit = best.eq(own).to(similarity.scalar_type());
  summary.positive = similarity.diagonal(own_place).clone();
  similarity.sub_(maximum.unsqueeze(1));
  at::exp_out(exponentials, similarity);
  const at::Tensor sum = exponentials.sum(1), log_sum = sum.log();
  summary.log_sum_exp = maximum + log_sum;
  summary.entropy = log_sum - similarity.mul_(exponentials).sum(1) / sum;
  return sum.unsqueeze(1);
}

// [n], of the rows of a block [n, K], which are lost.
at::Tensor log_sum_exp_of(at::Tensor& block) {
  const at::Tensor maximum = block.amax(1, true);
  return block.sub_(maximum).exp_().sum(1).log_().add_(maximum.squeeze(1));
}

// Turns the similarities [n, K] of own rows into the weights of their candidates: probabilities
// over the candidates, given the log-sum-exps of own rows, and over own rows, given those of the
// candidates; the mean of both where both directions count. `scratch` is such a block, too.
void weigh(at::Tensor& similarity, at::Tensor& scratch, const at::Tensor& of_own,
           const at::Tensor& of_candidates) {
  if (of_own.defined()) at::sub_out(scratch, similarity, of_own.unsqueeze(1)).exp_();
  similarity.sub_(of_candidates).exp_();
  if (of_own.defined()) similarity.add_(scratch).mul_(0.5);
}

// Fills own rows of the gradient of a view from their weighted candidates [n, D]. Returns the rows
// of G times candidates, G = dL/dS: weights less the identity, over K.
at::Tensor fill_gradient(const Step& step, const View& view, int64_t start,
                         const at::Tensor& weighted, at::Tensor& gradient) {
  const int64_t n = weighted.size(0);
  at::Tensor rows =
      (weighted - view.partners.narrow(0, start, n)).div_(static_cast<double>(step.num_pairs));
  gradient.narrow(0, start, n).copy_(join(rows, transposed(view.form)));
  return rows;
}

// Both passes over the own pairs of a step, and what they leave.
class Passes {
 public:
  Passes(const Step& step, LossDirections directions)
      : step_(step),
        both_(directions == LossDirections::both),
        blocks_(at::empty({2, step.tile, step.num_pairs}, step.anchors.own.options())),
        d_anchors_(at::empty(step.anchors.own.sizes(), step.anchors.own.options())),
        d_positives_(at::empty_like(d_anchors_)) {}

  // The packed summaries of own pairs. One direction has all it needs for the anchors' gradient.
  at::Tensor summarise() {
    std::vector<at::Tensor> packed;
    step_.for_each_tile([&](int64_t start, int64_t n) {
      PairSummary summary;
      at::Tensor block = blocks_[0].narrow(0, 0, n), exponentials = blocks_[1].narrow(0, 0, n);
      if (both_) {
        step_.positives.fill_similarity(start, block);
        summary.column_log_sum_exp = log_sum_exp_of(block);
      }
      step_.anchors.fill_similarity(start, block);
      const at::Tensor sum = summarise_rows(step_, start, block, exponentials, summary);
      if (!both_) fill_anchors(start, at::matmul(exponentials, step_.anchors.candidates).div_(sum));
      packed.push_back(summary.pack());
    });
    return at::cat(packed);
  }

  void differentiate(const PairSummary& all) {
    step_.for_each_tile([&](int64_t start, int64_t n) {
      const auto own = [&](const at::Tensor& of_all) {
        return both_ ? of_all.narrow(0, step_.first + start, n) : at::Tensor();
      };
      at::Tensor block = blocks_[0].narrow(0, 0, n), scratch = blocks_[1].narrow(0, 0, n);
      if (both_) {
        step_.anchors.fill_similarity(start, block);
        weigh(block, scratch, own(all.log_sum_exp), all.column_log_sum_exp);
        fill_anchors(start, at::matmul(block, step_.anchors.candidates));
      }
      step_.positives.fill_similarity(start, block);
      weigh(block, scratch, own(all.column_log_sum_exp), all.log_sum_exp);
      fill_gradient(step_, step_.positives, start, at::matmul(block, step_.positives.candidates),
                    d_positives_);
    });
  }

  void move_gradients_to(ContrastiveLoss& result) {
    result.d_anchors = d_anchors_;
    result.d_positives = d_positives_;
    if (step_.anchors.form.w.defined()) result.d_w = d_w_.take();
  }

 private:
  void fill_anchors(int64_t start, const at::Tensor& weighted) {
    const at::Tensor rows = fill_gradient(step_, step_.anchors, start, weighted, d_anchors_);
    if (!step_.anchors.form.w.defined()) return;
    d_w_.add(at::matmul(step_.anchors.own.narrow(0, start, rows.size(0)).t(), rows));
  }

  const Step& step_;
  bool both_;
  at::Tensor blocks_;                   // [2, T, K]
  at::Tensor d_anchors_, d_positives_;  // [B, D]
  TreeSum d_w_;
};

// Means over the K gathered rows: the same number, from the same additions, on every rank.
at::Tensor figures_of(const Step& step, const PairSummary& all) {
  at::Tensor log_sum_exp = all.log_sum_exp;
  if (all.column_log_sum_exp.defined()) {
    log_sum_exp = (all.log_sum_exp + all.column_log_sum_exp).mul_(0.5);
  }
  const auto mean = [](const at::Tensor& rows) { return rows.to(at::kDouble).mean(); };
  // The mean of x^T W y over all x and y is that of the means.
  const at::Tensor mean_similarity =
      at::matmul(join(step.positives.candidates.mean(0, true), step.anchors.form),
                 step.anchors.candidates.mean(0, true).t());
  return at::stack({mean(log_sum_exp - all.positive), mean(all.hit), mean(mean_similarity),
                    all.maximum.max().to(at::kDouble), mean(all.entropy)});
}

}  // namespace

LossFigures loss_figures_from(const at::Tensor& values) {
  const auto value = [&](int64_t i) { return values[i].item<double>(); };
  return {value(0), value(1), value(2), value(3), value(4)};
}

LossFigures ContrastiveLoss::read_figures() const { return loss_figures_from(figures.cpu()); }

ContrastiveLoss contrastive_loss(const at::Tensor& anchors, const at::Tensor& positives,
                                 const SimilarityForm& similarity, Communicator& world,
                                 const LossOptions& options) {
  const ExactArithmetic exact;
  require_embeddings(anchors, positives, similarity);
  if (anchors.size(0) != positives.size(0)) {
    fail("objective", "{} anchors and {} positives; expected one positive for each anchor",
         anchors.size(0), positives.size(0));
  }
  const SimilarityForm form{similarity.w.defined() ? similarity.w.detach() : at::Tensor(),
                            similarity.scale};
  const Step step = gather_step(anchors.detach(), positives.detach(), form, world, options);
  Passes passes(step, options.directions);
  const PairSummary all = PairSummary::unpack(world.all_gather(passes.summarise()));
  passes.differentiate(all);
  ContrastiveLoss result;
  result.figures = figures_of(step, all);
  passes.move_gradients_to(result);
  return result;
}

int64_t contrastive_loss_bytes(int64_t num_own, int64_t num_pairs, int64_t embedding_size,
                               int64_t bytes_per_value, const LossOptions& options) {
  const int64_t tile = tile_of(num_own, num_pairs, bytes_per_value, options);
  const auto num_tiles = static_cast<uint64_t>((num_own + tile - 1) / tile);
  const int64_t num_matrices = std::bit_width(num_tiles);
  const int64_t values = 2 * (num_pairs + num_own + 2 * tile) * embedding_size +
                         2 * tile * num_pairs + num_matrices * embedding_size * embedding_size;
  return bytes_per_value * values + 96 * num_pairs;
}

at::Tensor similarity_matrix(const at::Tensor& anchors, const at::Tensor& candidates,
                             const SimilarityForm& form) {
  const ExactArithmetic exact;
  require_embeddings(anchors, candidates, form);
  return at::matmul(join(anchors, form), candidates.t());
}

}  // namespace cocola
