#include "eval/response.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/progress.h"
#include "batches/pair_reader.h"
#include "batches/sampler.h"
#include "config/command_line.h"
#include "eval/score.h"
#include "eval/window_features.h"
#include "features/feature_extractor.h"
#include "metrics/correlation.h"
#include "stems/submix.h"

namespace cocola {
namespace {

constexpr double kLevel = 0.95;
constexpr int64_t kResamples = 2000;
// Between two messages of progress.
constexpr size_t kWindowsPerThread = 4;
// Of the largest mean: closer ones are equal but for rounding.
constexpr double kRounding = 1e-4;

using Samples = std::vector<float>;

// The two sub-mixes of windows as evaluation draws them.
class Submixes {
 public:
  Submixes(const ShardSet& shards, uint64_t seed) : shards_(shards), seed_(seed) {}

  Samples anchor(int64_t window) const { return mix(window, &SubmixChoice::anchor); }
  Samples positive(int64_t window) const { return mix(window, &SubmixChoice::positive); }

 private:
  Samples mix(int64_t window, std::vector<int> SubmixChoice::*side) const {
    const auto [shard, local] = shards_.locate(window);
    const ShardWindow& where = shard->windows()[static_cast<size_t>(local)];
    const float gain = shard->tracks()[static_cast<size_t>(where.track)].gain;
    const SubmixChoice choice =
        choose_submixes(where.audible, seed_, kEvaluationEpoch, shards_.key_of(window));
    Samples sum(static_cast<size_t>(shards_.settings().window_samples), 0.0f);
    std::vector<int16_t> stem(sum.size());
    for (const int index : choice.*side) {
      shard->read_stem(local, index, stem);
      add_stem(stem, gain, sum);
    }
    return sum;
  }

  const ShardSet& shards_;
  uint64_t seed_;
};

// What is measured: windows in random order, and for each the next one of another song.
struct Selection {
  std::vector<int64_t> windows, songs, of_other_song;
};

Selection select_windows(const ShardSet& shards, int64_t num_windows, uint64_t seed) {
  Selection selection;
  const int64_t n = shards.num_windows(), used = std::min(num_windows, n);
  for (int64_t i = 0; i < used; ++i) {
    selection.windows.push_back(permuted_index(i, n, seed, kEvaluationEpoch));
    selection.songs.push_back(shards.track_of(selection.windows.back()));
  }
  for (int64_t i = 0; i < used; ++i) {
    int64_t other = (i + 1) % used;
    const auto song = [&](int64_t place) { return selection.songs[static_cast<size_t>(place)]; };
    while (other != i && song(other) == song(i)) other = (other + 1) % used;
    if (other == i) {
      fail("response", "{} windows are all of one song; a wrong song needs two", used);
    }
    selection.of_other_song.push_back(selection.windows[static_cast<size_t>(other)]);
  }
  return selection;
}

using ScoresByStrength = std::vector<std::vector<double>>;  // [strength][window], 0 first
using ScoresByMode = std::vector<ScoresByStrength>;

// What is scored in one window: its anchor, then its positive as it is and damaged.
struct Sounds {
  std::vector<Samples> all;
  // [kind][strength], 0 first: places in `all`.
  std::vector<std::vector<size_t>> places;
};
constexpr size_t kAnchor = 0, kClean = 1;

// Measures windows of the selection with all damages, several at a time.
class Measurement {
 public:
  Measurement(const TrainedModel& model, const ShardSet& shards, const Selection& selection,
              uint64_t seed)
      : model_(model),
        submixes_(shards, seed),
        selection_(selection),
        modes_(score_modes(model)),
        extractors_(static_cast<size_t>(at::get_num_threads())) {
    for (const DamageKind& kind : damage_kinds()) {
      const ScoresByStrength none(kind.strengths.size() + 1,
                                  std::vector<double>(selection.windows.size()));
      scores_.emplace_back(modes_.size(), none);
    }
  }

  // Windows [first, end). Threads share windows, not the parts of one: these are too short.
  void measure(size_t first, size_t end) {
    share_work(static_cast<int64_t>(end - first), [&](int64_t thread, int64_t item) {
      measure_window(first + static_cast<size_t>(item), extractors_[static_cast<size_t>(thread)]);
    });
  }

  const std::vector<ScoreMode>& modes() const { return modes_; }
  // By damage_kinds().
  const std::vector<ScoresByMode>& scores() const { return scores_; }

 private:
  Sounds sounds_of(size_t i) const {
    const int64_t window = selection_.windows[i];
    Sounds sounds{.all = {submixes_.anchor(window), submixes_.positive(window)}, .places = {}};
    const auto add = [&](Samples sound) {
      sounds.all.push_back(std::move(sound));
      return sounds.all.size() - 1;
    };
    std::optional<size_t> wrong;
    for (const DamageKind& kind : damage_kinds()) {
      std::vector<size_t>& places = sounds.places.emplace_back(1, kClean);
      for (const double strength : kind.strengths) {
        if (kind.damage != Damage::wrong_song) {
          places.push_back(add(
              damaged(sounds.all[kClean], kind.damage, strength, model_.features.sample_rate_hz)));
        } else if (!is_replaced(i, strength)) {
          places.push_back(kClean);
        } else {
          if (!wrong) wrong = add(submixes_.positive(selection_.of_other_song[i]));
          places.push_back(*wrong);
        }
      }
    }
    return sounds;
  }

  // Windows come in random order, so the first ones are a random share of them.
  bool is_replaced(size_t i, double share) const {
    const double count = share * static_cast<double>(selection_.windows.size());
    return static_cast<int64_t>(i) < std::llround(count);
  }

  void measure_window(size_t i, std::unique_ptr<FeatureExtractor>& extractor) {
    const Sounds sounds = sounds_of(i);
    if (!extractor) extractor = std::make_unique<FeatureExtractor>(model_.features);
    const at::Tensor features = features_of(*extractor, sounds.all);
    for (size_t m = 0; m < modes_.size(); ++m) {
      const at::Tensor embeddings = embed_in_calls(model_, features, modes_[m].hidden);
      const at::Tensor anchor = weighted_embeddings(model_, embeddings.narrow(0, kAnchor, 1));
      const at::Tensor scores = score_weighted(anchor, embeddings);
      for (size_t k = 0; k < scores_.size(); ++k) {
        for (size_t s = 0; s < sounds.places[k].size(); ++s) {
          const double score = scores.const_data_ptr<double>()[sounds.places[k][s]];
          if (!std::isfinite(score)) fail("response", "a window's score is {}", score);
          scores_[k][m][s][i] = score;
        }
      }
    }
  }

  const TrainedModel& model_;
  Submixes submixes_;
  const Selection& selection_;
  std::vector<ScoreMode> modes_;
  std::vector<std::unique_ptr<FeatureExtractor>> extractors_;  // by thread
  std::vector<ScoresByMode> scores_;
};

}  // namespace

int64_t parse_response_windows(const std::string& text) {
  return whole_number_of("--windows", text, 2, 1'000'000);
}

DamageResponse summarise_response(const DamageKind& kind,
                                  const std::vector<std::vector<double>>& scores,
                                  std::span<const int64_t> songs, int64_t num_songs,
                                  uint64_t seed) {
  DamageResponse response{.kind = &kind, .rows = {}, .trend = {}, .growth = {}};
  const auto mean_over_songs = [&](const std::vector<double>& values) {
    return bootstrap_mean(values, songs, num_songs, kLevel, kResamples, seed);
  };
  const auto mean_change = [&](const std::vector<double>& from, const std::vector<double>& to) {
    std::vector<double> change = to;
    for (size_t i = 0; i < change.size(); ++i) change[i] -= from[i];
    return mean_over_songs(change);
  };
  std::vector<double> strengths, means;
  for (size_t s = 0; s < scores.size(); ++s) {
    strengths.push_back(s == 0 ? 0.0 : kind.strengths[s - 1]);
    response.rows.push_back(
        {strengths.back(), mean_over_songs(scores[s]), mean_change(scores[0], scores[s])});
    means.push_back(response.rows.back().score.value);
  }
  response.growth = mean_change(scores[1], scores.back());
  const auto [lowest, highest] = std::minmax_element(means.begin(), means.end());
  const double rounding = kRounding * std::max(std::fabs(*lowest), std::fabs(*highest));
  if (*highest - *lowest <= rounding) return response;
  response.trend = spearman_correlation(strengths, means);
  const auto is_below = [rounding](const MeanEstimate& mean) {
    return mean.interval && mean.interval->high < -rounding;
  };
  response.falls = response.trend && *response.trend < 0.0 &&
                   is_below(response.rows.back().change) && is_below(response.growth);
  return response;
}

ResponseReport measure_response(const TrainedModel& model, const ShardSet& shards,
                                const RunConfig& config, int64_t num_windows) {
  WindowConfig windows = config.data.window;
  windows.window_seconds = model.card.window_seconds;
  check_shards(shards, model.features, windows);
  if (!shards.settings().has_stems) {
    fail("response", "the shards hold no stems to damage; rebuild them with data.store: [stems]");
  }
  const uint64_t seed = config.evaluation.seed;
  const Selection selection = select_windows(shards, num_windows, seed);
  const size_t n = selection.windows.size();
  Measurement measurement(model, shards, selection, seed);
  Progress progress("response", "windows", static_cast<int64_t>(n), true);
  const size_t at_once = kWindowsPerThread * static_cast<size_t>(at::get_num_threads());
  for (size_t first = 0; first < n; first += at_once) {
    const size_t end = std::min(n, first + at_once);
    measurement.measure(first, end);
    progress.update(static_cast<int64_t>(end));
  }
  progress.finish();
  ResponseReport report{.modes = {}, .num_windows = static_cast<int64_t>(n)};
  for (size_t m = 0; m < measurement.modes().size(); ++m) {
    ModeResponse& mode = report.modes.emplace_back();
    mode.mode = measurement.modes()[m].name;
    for (size_t k = 0; k < damage_kinds().size(); ++k) {
      mode.damages.push_back(summarise_response(damage_kinds()[k], measurement.scores()[k][m],
                                                selection.songs, shards.num_tracks(), seed));
    }
    report.num_songs = mode.damages[0].rows[0].score.num_clusters;
  }
  return report;
}

}  // namespace cocola
