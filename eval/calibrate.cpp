#include "eval/calibrate.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/roll.h>

#include <algorithm>
#include <numeric>

#include "base/digest.h"
#include "base/error.h"
#include "base/process.h"
#include "base/progress.h"
#include "batches/pair_reader.h"
#include "batches/sampler.h"
#include "eval/score.h"

namespace cocola {
namespace {

// Read together; a whole number of encoder calls.
constexpr int64_t kWindowsAtOnce = 4 * kRowsPerCall;

struct Mode {
  ChannelMask hidden;
  at::Tensor anchors, positives;  // [n, D]
};

PairReader open_reader(const MeasuredModel& measured, uint64_t seed) {
  const ShardSet& shards = *measured.shards;
  const FeatureConfig& features = measured.model.features;
  return {features.shape(measured.model.window_samples()), available_cores(),
          [&shards, &features, seed] {
            const SourceKind kind =
                shards.settings().has_stems ? SourceKind::stems : SourceKind::features;
            return make_pair_source(kind, shards, features, 0.0, seed);
          }};
}

// Embeds all windows of the split in every mode; features are made once for all.
std::vector<Mode> embed_split(const MeasuredModel& measured, uint64_t seed) {
  std::vector<Mode> modes;
  for (const ScoreMode& mode : score_modes(measured.model)) modes.push_back({mode.hidden, {}, {}});
  PairReader reader = open_reader(measured, seed);
  const int64_t n = measured.shards->num_windows();
  std::vector<std::vector<at::Tensor>> anchors(modes.size()), positives(modes.size());
  Progress progress("calibrate", "windows", n, true);
  for (int64_t first = 0; first < n; first += kWindowsAtOnce) {
    std::vector<int64_t> windows(static_cast<size_t>(std::min(kWindowsAtOnce, n - first)));
    std::iota(windows.begin(), windows.end(), first);
    const Batch batch = reader.read(windows, kEvaluationEpoch);
    for (size_t m = 0; m < modes.size(); ++m) {
      anchors[m].push_back(embed_in_calls(measured.model, batch.anchors, modes[m].hidden));
      positives[m].push_back(embed_in_calls(measured.model, batch.positives, modes[m].hidden));
    }
    progress.update(first + static_cast<int64_t>(windows.size()));
  }
  progress.finish();
  for (size_t m = 0; m < modes.size(); ++m) {
    modes[m].anchors = at::cat(anchors[m]);
    modes[m].positives = at::cat(positives[m]);
  }
  return modes;
}

// Distances along the split from anchors to positives: every one, or a random choice of them.
std::vector<int64_t> mismatched_shifts(int64_t num_windows, uint64_t seed) {
  const int64_t wanted = (kMostMismatched + num_windows - 1) / num_windows;
  std::vector<int64_t> shifts(static_cast<size_t>(std::min(wanted, num_windows - 1)));
  for (size_t i = 0; i < shifts.size(); ++i) {
    shifts[i] =
        1 + permuted_index(static_cast<int64_t>(i), num_windows - 1, seed, kEvaluationEpoch);
  }
  return shifts;
}

ModeCalibration calibrate_mode(const LoadedModel& model, const Mode& mode,
                               const std::vector<int64_t>& songs,
                               const std::vector<int64_t>& shifts) {
  const auto n = static_cast<int64_t>(songs.size());
  const at::Tensor weighted = weighted_embeddings(model, mode.anchors);
  const auto scores_at = [&](int64_t shift) {
    return score_weighted(weighted, at::roll(mode.positives, -shift, 0));
  };
  const at::Tensor matched = scores_at(0);
  const double* const true_scores = matched.const_data_ptr<double>();
  std::vector<double> mismatched;
  for (const int64_t shift : shifts) {
    const at::Tensor scores = scores_at(shift);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t other = (i + shift) % n;
      if (songs[static_cast<size_t>(i)] == songs[static_cast<size_t>(other)]) continue;
      mismatched.push_back(scores.const_data_ptr<double>()[i]);
    }
  }
  return {.true_pairs = distribution_of({true_scores, true_scores + n}),
          .mismatched = distribution_of(mismatched)};
}

}  // namespace

Calibration calibrate(const MeasuredModel& measured, const RunConfig& config) {
  const ShardSet& shards = *measured.shards;
  const uint64_t seed = config.evaluation.seed;
  check_shards(shards, measured.model.features, config.data.window);
  std::vector<int64_t> songs;
  for (int64_t w = 0; w < shards.num_windows(); ++w) songs.push_back(shards.track_of(w));
  std::vector<int64_t> different = songs;
  std::ranges::sort(different);
  different.erase(std::ranges::unique(different).begin(), different.end());
  if (different.size() < 2) {
    fail("calibrate", "all {} windows of split {} are of one song; mismatched pairs need two",
         songs.size(), config.evaluation.split);
  }

  const std::vector<Mode> modes = embed_split(measured, seed);
  const OperationThreads one_thread(1);  // sums in one order on every machine
  const std::vector<int64_t> shifts = mismatched_shifts(shards.num_windows(), seed);
  Calibration calibration{
      .both = {},
      .harmonic = {},
      .percussive = {},
      .split = config.evaluation.split,
      .num_songs = static_cast<int64_t>(different.size()),
      .num_windows = shards.num_windows(),
      .seed = seed,
      .data_digest = digest_of_file(std::filesystem::path(config.data.shards) / kManifestName),
      .model_digest = measured.model.digest};
  calibration.both = calibrate_mode(measured.model, modes[0], songs, shifts);
  if (modes.size() > 1) {
    calibration.harmonic = calibrate_mode(measured.model, modes[1], songs, shifts);
    calibration.percussive = calibrate_mode(measured.model, modes[2], songs, shifts);
  }
  return calibration;
}

void store_calibration(const std::filesystem::path& path, const Calibration& calibration) {
  replace_calibration(path, calibration_to_json(calibration), calibration.model_digest);
}

}  // namespace cocola
