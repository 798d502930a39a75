#include "eval/response.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/progress.h"
#include "batches/pair_reader.h"
#include "batches/sampler.h"
#include "eval/score.h"
#include "features/feature_extractor.h"
#include "metrics/correlation.h"
#include "stems/submix.h"

namespace cocola {
namespace {

constexpr double kLevel = 0.95;
constexpr int64_t kResamples = 2000;
// Of the largest mean: closer ones are equal but for rounding.
constexpr double kRounding = 1e-4;

struct Mode {
  const char* name;
  ChannelMask hidden;
};

std::vector<Mode> modes_of(const TrainedModel& model) {
  std::vector<Mode> modes = {{"both", ChannelMask::none}};
  if (model.card.in_channels == 2) {
    modes.push_back({"harmonic", ChannelMask::percussive});
    modes.push_back({"percussive", ChannelMask::harmonic});
  }
  return modes;
}

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

// Embeddings of some waveforms, one [n, D] for each mode.
std::vector<at::Tensor> embed(const TrainedModel& model, FeatureExtractor& extractor,
                              const std::vector<Samples>& waveforms,
                              const std::vector<Mode>& modes) {
  const FeatureShape shape = model.features.shape(model.window_samples());
  const auto n = static_cast<int64_t>(waveforms.size());
  const at::Tensor features =
      at::empty({n, shape.channels, shape.mel_bins, shape.frames}, at::kFloat);
  for (int64_t i = 0; i < n; ++i) {
    extractor.extract(waveforms[static_cast<size_t>(i)],
                      std::span(features.data_ptr<float>() + i * shape.size(),
                                static_cast<size_t>(shape.size())));
  }
  std::vector<at::Tensor> embeddings;
  for (const Mode& mode : modes) embeddings.push_back(embed_features(model, features, mode.hidden));
  return embeddings;
}

using ScoresByStrength = std::vector<std::vector<double>>;  // [strength][window], 0 first
using ScoresByMode = std::vector<ScoresByStrength>;

void append(std::vector<double>& all, const at::Tensor& scores) {
  const double* const first = scores.const_data_ptr<double>();
  for (int64_t i = 0; i < scores.numel(); ++i) {
    if (!std::isfinite(first[i])) fail("response", "a window's score is {}", first[i]);
    all.push_back(first[i]);
  }
}

// Measures windows [first, end) of the selection with all damages.
class Measurement {
 public:
  Measurement(const TrainedModel& model, const ShardSet& shards, const Selection& selection,
              uint64_t seed)
      : model_(model),
        submixes_(shards, seed),
        selection_(selection),
        modes_(modes_of(model)),
        extractor_(model.features) {
    for (const DamageKind& kind : damage_kinds()) {
      scores_.emplace_back(modes_.size(), ScoresByStrength(kind.strengths.size() + 1));
    }
  }

  void measure(size_t first, size_t end) {
    std::vector<Samples> anchors, positives;
    for (size_t i = first; i < end; ++i) {
      anchors.push_back(submixes_.anchor(selection_.windows[i]));
      positives.push_back(submixes_.positive(selection_.windows[i]));
    }
    const std::vector<at::Tensor> left = embed(model_, extractor_, anchors, modes_);
    const std::vector<at::Tensor> clean = embed(model_, extractor_, positives, modes_);
    for (size_t k = 0; k < scores_.size(); ++k) {
      const DamageKind& kind = damage_kinds()[k];
      add(left, clean, k, 0);
      for (size_t s = 0; s < kind.strengths.size(); ++s) {
        std::vector<Samples> worse;
        for (size_t i = first; i < end; ++i) {
          worse.push_back(damage(kind, kind.strengths[s], i, positives[i - first]));
        }
        add(left, embed(model_, extractor_, worse, modes_), k, s + 1);
      }
    }
  }

  const std::vector<Mode>& modes() const { return modes_; }
  // By damage_kinds().
  const std::vector<ScoresByMode>& scores() const { return scores_; }

 private:
  Samples damage(const DamageKind& kind, double strength, size_t i, const Samples& positive) const {
    if (kind.damage != Damage::wrong_song) {
      return damaged(positive, kind.damage, strength, model_.features.sample_rate_hz);
    }
    // Windows come in random order, so the first ones are a random share of them.
    const auto num_replaced = static_cast<size_t>(
        std::llround(strength * static_cast<double>(selection_.windows.size())));
    return i < num_replaced ? submixes_.positive(selection_.of_other_song[i]) : positive;
  }

  void add(const std::vector<at::Tensor>& left, const std::vector<at::Tensor>& right, size_t kind,
           size_t strength) {
    for (size_t m = 0; m < modes_.size(); ++m) {
      append(scores_[kind][m][strength], score_embeddings(model_, left[m], right[m]));
    }
  }

  const TrainedModel& model_;
  Submixes submixes_;
  const Selection& selection_;
  std::vector<Mode> modes_;
  FeatureExtractor extractor_;
  std::vector<ScoresByMode> scores_;
};

}  // namespace

DamageResponse summarise_response(const DamageKind& kind,
                                  const std::vector<std::vector<double>>& scores,
                                  std::span<const int64_t> songs, int64_t num_songs,
                                  uint64_t seed) {
  DamageResponse response{.kind = &kind, .rows = {}, .trend = {}};
  const auto mean_over_songs = [&](const std::vector<double>& values) {
    return bootstrap_mean(values, songs, num_songs, kLevel, kResamples, seed);
  };
  std::vector<double> strengths, means;
  for (size_t s = 0; s < scores.size(); ++s) {
    std::vector<double> change = scores[s];
    for (size_t i = 0; i < change.size(); ++i) change[i] -= scores[0][i];
    strengths.push_back(s == 0 ? 0.0 : kind.strengths[s - 1]);
    response.rows.push_back(
        {strengths.back(), mean_over_songs(scores[s]), mean_over_songs(change)});
    means.push_back(response.rows.back().score.value);
  }
  const auto [lowest, highest] = std::minmax_element(means.begin(), means.end());
  const double rounding = kRounding * std::max(std::fabs(*lowest), std::fabs(*highest));
  if (*highest - *lowest <= rounding) return response;
  response.trend = spearman_correlation(strengths, means);
  const std::optional<Interval>& last = response.rows.back().change.interval;
  response.falls = response.trend && *response.trend < 0.0 && last && last->high < -rounding;
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
  for (size_t first = 0; first < n; first += kWindowsPerCall) {
    const size_t end = std::min(n, first + kWindowsPerCall);
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
