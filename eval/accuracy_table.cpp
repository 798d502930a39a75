#include "eval/accuracy_table.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/process.h"
#include "batches/pair_reader.h"
#include "batches/sampler.h"
#include "objective/accuracy.h"
#include "training/flat_parameters.h"
#include "training/train_step.h"
#include "training/validation.h"

namespace cocola {
namespace {

constexpr double kLevel = 0.95;
constexpr int64_t kResamples = 2000;
// For the statistics of the untrained network: as the published training groups them, and enough.
constexpr int64_t kPairsPerGroup = 32, kMostGroups = 8;

void check_k(const RunConfig& config, int64_t num_windows) {
  for (const int64_t k : config.evaluation.k) {
    if (k > num_windows) {
      fail_usage("cocola_eval",
                 "evaluation.k {} is larger than the {} windows of split {}; choose at most {}", k,
                 num_windows, config.evaluation.split, num_windows);
    }
  }
}

std::vector<int64_t> songs_of(const ShardSet& shards) {
  std::vector<int64_t> songs;
  for (int64_t w = 0; w < shards.num_windows(); ++w) songs.push_back(shards.track_of(w));
  return songs;
}

// Gives a fresh network the statistics of windows drawn from all songs, as training does for its
// own before it is measured.
void settle_statistics(CocolaModel& fresh, PairReader& reader, int64_t num_windows, uint64_t seed,
                       Communicator& solo) {
  TrainingConfig group;
  group.seed = seed;
  group.pairs_per_step = group.pairs_per_group = std::min(kPairsPerGroup, num_windows);
  FlatParameters flat(fresh.state());
  StatisticsRecomputation recomputation(fresh, flat, group);
  const int64_t num_groups = std::min(kMostGroups, num_windows / group.pairs_per_group);
  for (int64_t g = 0; g < num_groups; ++g) {
    std::vector<int64_t> windows;
    for (int64_t i = 0; i < group.pairs_per_group; ++i) {
      windows.push_back(
          permuted_index(g * group.pairs_per_group + i, num_windows, seed, kEvaluationEpoch));
    }
    recomputation.add(reader.read(windows, kEvaluationEpoch), solo);
  }
  recomputation.finish();
}

}  // namespace

AccuracyTables measure_accuracy(const CocolaModel& model, const ShardSet& shards,
                                const RunConfig& config) {
  const int64_t n = shards.num_windows();
  const uint64_t seed = config.evaluation.seed;
  check_k(config, n);
  check_shards(shards, config.features, config.data.window);
  PairReader reader(config.features.shape(config.window_samples()), available_cores(), [&] {
    return make_pair_source(shards.settings().has_stems ? SourceKind::stems : SourceKind::features,
                            shards, config.features, 0.0, seed);
  });
  if (config.training.validation_masks == ValidationMasks::as_training) {
    reader.draw_masks(config.training.augment, seed);
  }
  const std::unique_ptr<Communicator> solo = open_solo_world();
  CocolaModel fresh(model.config(), model.in_channels(), seed);
  settle_statistics(fresh, reader, n, seed, *solo);

  std::vector<int64_t> windows(static_cast<size_t>(n));
  std::iota(windows.begin(), windows.end(), 0);
  const CocolaModel* const models[] = {&model, &fresh};
  const auto embeddings = embed_windows(models, reader, windows, Precision::fp32, *solo);

  AccuracyTables tables;
  const std::vector<int64_t> songs = songs_of(shards);
  for (size_t m = 0; m < 2; ++m) {
    const at::Tensor similarity = similarity_of(embeddings[m], *models[m]);
    for (const int64_t k : config.evaluation.k) {
      const MeanEstimate accuracy =
          bootstrap_mean(expected_accuracy_per_anchor(similarity, k), songs, shards.num_tracks(),
                         kLevel, kResamples, seed);
      (m == 0 ? tables.trained : tables.untrained).push_back({k, accuracy});
      tables.num_songs = accuracy.num_clusters;
    }
  }
  return tables;
}

}  // namespace cocola
