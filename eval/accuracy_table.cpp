#include "eval/accuracy_table.h"

#include <numeric>

#include "base/error.h"
#include "base/process.h"
#include "batches/pair_reader.h"
#include "objective/accuracy.h"
#include "objective/contrastive_loss.h"
#include "training/validation.h"

namespace cocola {
namespace {

constexpr double kLevel = 0.95;
constexpr int64_t kResamples = 2000;

void check_k(const RunConfig& config, int64_t num_windows) {
  for (const int64_t k : config.evaluation.k) {
    if (k > num_windows) {
      fail_usage("cocola_eval",
                 "evaluation.k {} is larger than the {} windows of split {}; choose at most {}", k,
                 num_windows, config.evaluation.split, num_windows);
    }
  }
}

}  // namespace

std::vector<AccuracyRow> accuracy_table(const CocolaModel& model, const ShardSet& shards,
                                        const RunConfig& config) {
  const int64_t n = shards.num_windows();
  check_k(config, n);
  PairReader reader(config.features.shape(config.window_samples()), available_cores(), [&] {
    return make_pair_source(shards.settings().has_stems ? SourceKind::stems : SourceKind::features,
                            shards, config.features, 0.0, config.training.seed);
  });
  std::vector<int64_t> windows(static_cast<size_t>(n)), songs(static_cast<size_t>(n));
  std::iota(windows.begin(), windows.end(), 0);
  for (const int64_t window : windows) songs[static_cast<size_t>(window)] = shards.track_of(window);

  const std::unique_ptr<Communicator> solo = open_solo_world();
  const WindowEmbeddings embeddings = embed_windows(model, reader, windows, Precision::fp32, *solo);
  const at::Tensor similarity = similarity_of(embeddings, model);
  std::vector<AccuracyRow> table;
  for (const int64_t k : config.evaluation.k) {
    const std::vector<double> accuracy = expected_accuracy_per_anchor(similarity, k);
    table.push_back({k, bootstrap_mean(accuracy, songs, shards.num_tracks(), kLevel, kResamples,
                                       config.training.seed)});
  }
  return table;
}

}  // namespace cocola
