#include "objective/contrastive_loss.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <vector>

#include "base/error.h"

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

// x^T W y = (W^T x)^T y = x^T (W y): the matrix joins either side, here as rows.
at::Tensor join_left(const at::Tensor& x, const SimilarityForm& form) {
  return form.w.defined() ? at::matmul(x, form.w) : x * form.scale;
}
at::Tensor join_right(const at::Tensor& y, const SimilarityForm& form) {
  return form.w.defined() ? at::matmul(y, form.w.t()) : y * form.scale;
}

// The embeddings of the whole step and the place of this rank's pairs in it.
struct Step {
  at::Tensor anchors, positives;          // [K, D]
  at::Tensor own_anchors, own_positives;  // [B, D]
  int64_t first = 0;                      // global index of this rank's first pair

  int64_t num_pairs() const { return anchors.size(0); }
  int64_t num_own() const { return own_anchors.size(0); }
};

Step gather_step(const at::Tensor& anchors, const at::Tensor& positives, Communicator& world) {
  const int64_t embedding_size = anchors.size(1);
  const at::Tensor both = world.all_gather(at::cat({anchors, positives}, 1));  // [K, 2 D]
  const Step step{both.narrow(1, 0, embedding_size), both.narrow(1, embedding_size, embedding_size),
                  anchors, positives, world.rank() * anchors.size(0)};
  if (step.num_pairs() < 2) {
    fail("objective", "a step of {} pair has no negatives; expected 2 pairs or more",
         step.num_pairs());
  }
  return step;
}

// Own pairs handled together, so that a block of similarities takes at most 64 MiB.
int64_t pairs_per_tile(const Step& step) {
  constexpr int64_t kTileBytes = int64_t{64} << 20;
  return std::max<int64_t>(1, kTileBytes / (step.num_pairs() * step.anchors.element_size()));
}

// What the whole step needs to know about one anchor's row of similarities.
struct RowSummary {
  at::Tensor log_sum_exp, positive, hit, maximum;  // [B]
  at::Tensor pack() const { return at::stack({log_sum_exp, positive, hit, maximum}, 1); }
  static RowSummary unpack(const at::Tensor& packed) {
    return {packed.select(1, 0), packed.select(1, 1), packed.select(1, 2), packed.select(1, 3)};
  }
};

// My anchors against all positives: their packed summaries. Fills gradient [B, D] with the rows of
// G H2, G = dL/dS.
at::Tensor visit_anchors(const Step& step, const SimilarityForm& form, at::Tensor& gradient) {
  const int64_t tile = pairs_per_tile(step);
  const double pairs = static_cast<double>(step.num_pairs());
  std::vector<at::Tensor> summaries;
  for (int64_t start = 0; start < step.num_own(); start += tile) {
    const int64_t size = std::min(tile, step.num_own() - start);
    at::Tensor similarity = at::matmul(join_left(step.own_anchors.narrow(0, start, size), form),
                                       step.positives.t());  // [tile, K]
    const at::Tensor log_sum_exp = similarity.logsumexp(1);
    const at::Tensor positive = similarity.diagonal(step.first + start);
    // max returns the lowest index of equal maxima.
    const auto [maximum, best] = similarity.max(1);
    const at::Tensor own = at::arange(size, best.options()).add_(step.first + start);
    summaries.push_back(
        RowSummary{log_sum_exp, positive, best.eq(own).to(similarity.scalar_type()), maximum}
            .pack());
    similarity.sub_(log_sum_exp.unsqueeze(1)).exp_();
    gradient.narrow(0, start, size)
        .copy_(at::matmul(similarity, step.positives)
                   .sub_(step.own_positives.narrow(0, start, size))
                   .div_(pairs));
  }
  return at::cat(summaries);
}

// All anchors against my positives. Fills gradient [B, D] with the rows of G^T H1.
void visit_positives(const Step& step, const SimilarityForm& form, const at::Tensor& log_sum_exp,
                     at::Tensor& gradient) {
  const int64_t tile = pairs_per_tile(step);
  for (int64_t start = 0; start < step.num_own(); start += tile) {
    const int64_t size = std::min(tile, step.num_own() - start);
    at::Tensor similarity =
        at::matmul(step.anchors, join_right(step.own_positives.narrow(0, start, size), form).t());
    similarity.sub_(log_sum_exp.unsqueeze(1)).exp_();  // [K, tile]
    gradient.narrow(0, start, size)
        .copy_(at::matmul(similarity.t(), step.anchors)
                   .sub_(step.own_anchors.narrow(0, start, size))
                   .div_(static_cast<double>(step.num_pairs())));
  }
}

}  // namespace

ContrastiveLoss contrastive_loss(const at::Tensor& anchors, const at::Tensor& positives,
                                 const SimilarityForm& similarity, Communicator& world) {
  const ExactArithmetic exact;
  require_embeddings(anchors, positives, similarity);
  if (anchors.size(0) != positives.size(0)) {
    fail("objective", "{} anchors and {} positives; expected one positive for each anchor",
         anchors.size(0), positives.size(0));
  }
  const SimilarityForm form{similarity.w.defined() ? similarity.w.detach() : at::Tensor(),
                            similarity.scale};
  const Step step = gather_step(anchors.detach(), positives.detach(), world);

  at::Tensor left = at::empty_like(step.own_anchors);
  const at::Tensor own_rows = visit_anchors(step, form, left);  // [B, 4]
  const RowSummary all = RowSummary::unpack(world.all_gather(own_rows));
  at::Tensor right = at::empty_like(step.own_positives);
  visit_positives(step, form, all.log_sum_exp, right);

  // Means over the K gathered rows: the same number, from the same additions, on every rank.
  const at::Tensor report =
      at::stack({(all.log_sum_exp - all.positive).to(at::kDouble).mean(),
                 all.hit.to(at::kDouble).mean(), all.maximum.max().to(at::kDouble)})
          .cpu();
  ContrastiveLoss result;
  result.loss = report[0].item<double>();
  result.accuracy = report[1].item<double>();
  result.max_similarity = report[2].item<double>();
  result.d_anchors = join_right(left, form);
  result.d_positives = join_left(right, form);
  if (form.w.defined()) result.d_w = at::matmul(step.own_anchors.t(), left);
  return result;
}

at::Tensor similarity_matrix(const at::Tensor& anchors, const at::Tensor& candidates,
                             const SimilarityForm& form) {
  const ExactArithmetic exact;
  require_embeddings(anchors, candidates, form);
  return at::matmul(join_left(anchors, form), candidates.t());
}

}  // namespace cocola
