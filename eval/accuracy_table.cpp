#include "eval/accuracy_table.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "batches/pair_reader.h"
#include "batches/sampler.h"
#include "eval/accuracy_baselines.h"
#include "training/flat_parameters.h"
#include "training/train_step.h"
#include "training/validation.h"

namespace cocola {
namespace {

constexpr double kLevel = 0.95;
constexpr int64_t kResamples = 2000;
// For the statistics of the untrained network: as the published training groups them, and enough.
constexpr int64_t kPairsPerGroup = 32, kMostGroups = 8;
constexpr int64_t kPasses = 10;

void check_k(const RunConfig& config, int64_t num_windows) {
  if (num_windows < 2) {
    fail("cocola_eval", "split {} has one window; a choice needs two or more",
         config.evaluation.split);
  }
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

// What all parts of a measurement share.
struct Measurement {
  const ShardSet& shards;
  const RunConfig& config;
  std::vector<int64_t> songs;  // of every window

  SimilarityAccuracy measure(const at::Tensor& similarity,
                             const std::vector<int64_t>& songs_of_rows) const {
    SimilarityAccuracy measured{
        .rows = {}, .standings = standings_of(similarity), .songs = songs_of_rows};
    for (const int64_t k : config.evaluation.k) {
      if (k > similarity.size(0)) continue;
      measured.rows.push_back({k, measured.estimate_at(k, config.evaluation.seed)});
    }
    return measured;
  }

  std::vector<BatchedRow> measure_in_batches(const at::Tensor& similarity) const {
    std::vector<BatchedRow> rows;
    for (const int64_t k : config.evaluation.k) {
      const auto passes = accuracy_of_passes(similarity, k, kPasses, config.evaluation.seed);
      rows.push_back({k, kPasses, spread_of(passes)});
    }
    return rows;
  }

  std::map<std::string, SimilarityAccuracy> measure_datasets(const WindowEmbeddings& embeddings,
                                                             const CocolaModel& model) const {
    std::map<std::string, SimilarityAccuracy> datasets;
    for (const auto& [name, windows] : windows_by_dataset(shards)) {
      const at::Tensor rows = at::tensor(windows, at::kLong);
      const WindowEmbeddings own{embeddings.anchors.index_select(0, rows),
                                 embeddings.positives.index_select(0, rows)};
      std::vector<int64_t> songs_of_rows;
      for (const int64_t w : windows) songs_of_rows.push_back(songs[static_cast<size_t>(w)]);
      datasets[name] = measure(similarity_of(own, model), songs_of_rows);
    }
    return datasets;
  }

  std::map<InstrumentPair, InstrumentRow> measure_instruments(const SimilarityAccuracy& all) const {
    // Whoever drew the sub-mixes that are measured: this evaluation, or the preprocessor.
    const uint64_t seed =
        shards.settings().has_stems ? config.evaluation.seed : shards.settings().submix_seed;
    const std::vector<double> accuracy = expected_accuracy(all.standings, 2);
    std::map<InstrumentPair, InstrumentRow> rows;
    for (const auto& [pair, windows] : windows_by_instruments(shards, seed)) {
      std::vector<double> values;
      std::vector<int64_t> songs_of_values;
      for (const int64_t w : windows) {
        values.push_back(accuracy[static_cast<size_t>(w)]);
        songs_of_values.push_back(songs[static_cast<size_t>(w)]);
      }
      rows[pair] = {static_cast<int64_t>(windows.size()),
                    bootstrap_mean(values, songs_of_values, shards.num_tracks(), kLevel, kResamples,
                                   config.evaluation.seed)};
    }
    return rows;
  }
};

PairReader open_reader(const ShardSet& shards, const RunConfig& config,
                       const std::shared_ptr<WindowEnvelopes>& envelopes) {
  const FeatureShape shape = config.features.shape(config.window_samples());
  const uint64_t seed = config.evaluation.seed;
  PairReader reader(shape, available_cores(), [&shards, &config, shape, seed, envelopes] {
    auto source =
        make_pair_source(shards.settings().has_stems ? SourceKind::stems : SourceKind::features,
                         shards, config.features, 0.0, seed);
    return recording_source(std::move(source), shape, envelopes);
  });
  if (config.training.validation_masks == ValidationMasks::as_training) {
    reader.draw_masks(config.training.augment, seed);
  }
  return reader;
}

}  // namespace

int64_t SimilarityAccuracy::num_songs() const {
  return static_cast<int64_t>(std::set<int64_t>(songs.begin(), songs.end()).size());
}

double SimilarityAccuracy::at(int64_t k) const {
  const std::vector<double> values = expected_accuracy(standings, k);
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

MeanEstimate SimilarityAccuracy::estimate_at(int64_t k, uint64_t seed) const {
  return bootstrap_mean(expected_accuracy(standings, k), songs,
                        1 + *std::max_element(songs.begin(), songs.end()), kLevel, kResamples,
                        seed);
}

void require_finite(const WindowEmbeddings& embeddings, const ShardSet& shards,
                    const char* network) {
  const at::Tensor is_finite = at::isfinite(embeddings.anchors)
                                   .all(1)
                                   .logical_and(at::isfinite(embeddings.positives).all(1));
  if (is_finite.all().item<bool>()) return;
  const int64_t window = at::logical_not(is_finite).nonzero()[0].item<int64_t>();
  const auto [shard, local] = shards.locate(window);
  const ShardWindow& where = shard->windows()[static_cast<size_t>(local)];
  fail("cocola_eval",
       "window {} of {} ({}, from {:g} s): the {} network's embedding of it is not finite; its "
       "weights have grown too large, take a model of an earlier step",
       window, shards.num_windows(), printable(shards.track_name(shards.track_of(window))),
       static_cast<double>(where.start_sample) /
           static_cast<double>(shards.settings().sample_rate_hz),
       network);
}

AccuracyTables measure_accuracy(const CocolaModel& model, const ShardSet& shards,
                                const RunConfig& config) {
  const int64_t n = shards.num_windows();
  const uint64_t seed = config.evaluation.seed;
  check_k(config, n);
  check_shards(shards, config.features, config.data.window);
  const auto envelopes =
      std::make_shared<WindowEnvelopes>(n, config.features.shape(config.window_samples()).frames);
  PairReader reader = open_reader(shards, config, envelopes);
  const std::unique_ptr<Communicator> solo = open_solo_world();
  CocolaModel fresh(model.config(), model.in_channels(), seed);
  settle_statistics(fresh, reader, n, seed, *solo);

  std::vector<int64_t> windows(static_cast<size_t>(n));
  std::iota(windows.begin(), windows.end(), 0);
  const CocolaModel* const models[] = {&model, &fresh};
  const auto embeddings = embed_windows(models, reader, windows, Precision::fp32, *solo);
  require_finite(embeddings[0], shards, "trained");
  require_finite(embeddings[1], shards, "untrained");

  const Measurement over{shards, config, songs_of(shards)};
  AccuracyTables tables;
  {
    const at::Tensor similarity = similarity_of(embeddings[0], model);
    tables.trained = over.measure(similarity, over.songs);
    tables.batched = over.measure_in_batches(similarity);
  }
  tables.untrained = over.measure(similarity_of(embeddings[1], fresh), over.songs);
  const auto correlated = [](const WindowEnvelopes::Views& views) {
    return correlations(views.anchors, views.positives);
  };
  tables.loudness = over.measure(correlated(envelopes->loudness), over.songs);
  tables.onsets = over.measure(correlated(envelopes->onsets), over.songs);
  tables.datasets = over.measure_datasets(embeddings[0], model);
  tables.instruments = over.measure_instruments(tables.trained);
  tables.num_songs = tables.trained.num_songs();
  tables.num_windows = n;
  return tables;
}

}  // namespace cocola
