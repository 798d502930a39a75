#include "training/validation.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "objective/accuracy.h"
#include "objective/contrastive_loss.h"
#include "training/precision.h"

namespace cocola {
namespace {

// Windows encoded in one call: enough to fill the cores, few enough for a small card.
constexpr int64_t kWindowsPerCall = 32;

}  // namespace

WindowEmbeddings embed_windows(const CocolaModel& model, PairReader& reader,
                               std::span<const int64_t> window_ids, Precision precision,
                               Communicator& host, const std::function<bool()>& give_up) {
  const CocolaModel* const one = &model;
  const auto all = embed_windows(std::span(&one, 1), reader, window_ids, precision, host, give_up);
  return all.empty() ? WindowEmbeddings{} : all[0];
}

std::vector<WindowEmbeddings> embed_windows(std::span<const CocolaModel* const> models,
                                            PairReader& reader, std::span<const int64_t> window_ids,
                                            Precision precision, Communicator& host,
                                            const std::function<bool()>& give_up) {
  const at::NoGradGuard no_grad;
  const at::Device device = models.front()->device();
  const AutocastGuard autocast(precision, device.type());
  const auto num_models = static_cast<int64_t>(models.size());
  const auto n = static_cast<int64_t>(window_ids.size());
  if (n == 0) fail("validation", "no windows to embed");
  // Whole calls to each rank, so that no call's shape, and no bit, depends on the world. The last
  // ranks may have less to do, or nothing.
  const int64_t num_calls = (n + kWindowsPerCall - 1) / kWindowsPerCall;
  const int64_t calls_per_rank = (num_calls + host.world_size() - 1) / host.world_size();
  const int64_t share = calls_per_rank * kWindowsPerCall;  // equal, for the gather
  const int64_t first = host.rank() * share;
  const int64_t dimensions = models.front()->config().embedding_size;
  const at::Tensor mine = at::zeros({num_models, 2, share, dimensions}, at::kFloat);
  for (int64_t done = 0; done < share; done += kWindowsPerCall) {
    if (give_up()) return {};
    const int64_t count = std::min(kWindowsPerCall, n - first - done);
    if (count <= 0) continue;
    const auto ids =
        window_ids.subspan(static_cast<size_t>(first + done), static_cast<size_t>(count));
    const Batch batch = reader.read(ids, kEvaluationEpoch);
    const at::Tensor views[2] = {batch.anchors.to(device), batch.positives.to(device)};
    for (int64_t m = 0; m < num_models; ++m) {
      for (int64_t view = 0; view < 2; ++view) {
        const at::Tensor rows =
            models[static_cast<size_t>(m)]->embed(views[view], EncoderCall{}).to(at::kFloat).cpu();
        mine[m][view].narrow(0, done, count).copy_(rows);
      }
    }
  }
  std::vector<WindowEmbeddings> all;
  for (int64_t m = 0; m < num_models; ++m) {
    const auto gathered = [&](int64_t view) {
      return host.all_gather(mine[m][view].contiguous()).narrow(0, 0, n).contiguous();
    };
    const at::Tensor anchors = gathered(0);
    all.push_back({anchors, gathered(1)});
  }
  return all;
}

at::Tensor similarity_of(const WindowEmbeddings& embeddings, const CocolaModel& model) {
  const at::NoGradGuard no_grad;
  const at::Tensor w = model.bilinear_weight();
  return similarity_matrix(embeddings.anchors, embeddings.positives,
                           {w.defined() ? w.detach().cpu() : w, model.similarity_scale()});
}

ValidationReport validate(const WindowEmbeddings& embeddings, const CocolaModel& model,
                          int64_t num_candidates) {
  const int64_t n = embeddings.anchors.size(0);
  ValidationReport report;
  report.num_candidates = std::min(num_candidates, n);
  report.num_windows = n;
  const at::Tensor similarity = similarity_of(embeddings, model);
  const std::vector<double> accuracy =
      expected_accuracy_per_anchor(similarity, report.num_candidates);
  report.accuracy = std::accumulate(accuracy.begin(), accuracy.end(), 0.0) / static_cast<double>(n);
  const int64_t num_blocks = n / report.num_candidates;
  for (int64_t block = 0; block < num_blocks; ++block) {
    const int64_t at = block * report.num_candidates;
    const at::Tensor rows = similarity.narrow(0, at, report.num_candidates)
                                .narrow(1, at, report.num_candidates)
                                .to(at::kDouble);
    report.loss += (rows.logsumexp(1) - rows.diagonal()).mean().item<double>() /
                   static_cast<double>(num_blocks);
  }
  return report;
}

}  // namespace cocola
