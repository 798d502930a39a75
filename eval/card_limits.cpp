#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "eval/card.h"
#include "features/feature_settings.h"

namespace cocola {
namespace {

void add_data_limits(const CardFacts& facts, std::vector<std::string>& limits) {
  if (facts.training) {
    std::set<std::string> layouts;
    for (const DatasetConfig& dataset : facts.training->data.datasets) {
      layouts.insert(to_string(dataset.layout));
    }
    if (layouts.size() == 1) {
      limits.push_back(fmt::format(
          "Trained on data of one kind alone ({}): music of other kinds may score otherwise.",
          *layouts.begin()));
    }
  } else {
    limits.push_back("The file does not say what the model was trained on.");
  }
  if (facts.accuracy.datasets.size() == 1) {
    limits.push_back(fmt::format("Measured on one data set alone ({}).",
                                 printable(facts.accuracy.datasets.begin()->first)));
  }
  if (facts.accuracy.num_songs < kFewClusters) {
    limits.push_back(fmt::format("Measured on {} songs: intervals over so few are too narrow.",
                                 facts.accuracy.num_songs));
  }
  const DataOrigin& origin = facts.measured.origin;
  if (!origin.trained_on) {
    limits.push_back(
        "The file does not list the songs trained on: whether the measured ones are among them "
        "cannot be checked.");
  } else if (*origin.trained_on) {
    limits.push_back("Measured on the songs it was trained on: unheard songs will score worse.");
  } else {
    limits.push_back(
        "Songs of the names it was trained on cannot be tested: splits that hold one are refused. "
        "The same music under another name is not noticed.");
  }
}

void add_sound_limits(const CardFacts& facts, std::vector<std::string>& limits) {
  const ModelCard& card = facts.measured.model.card;
  limits.push_back(fmt::format(
      "Hears {:g} kHz mono in windows of {:g} s: nothing of stereo, of frequencies above {:g} Hz, "
      "or of form beyond one window.",
      static_cast<double>(card.sample_rate_hz) / 1000.0, card.window_seconds,
      facts.measured.model.features.max_hz));
  limits.push_back(
      "Windows in which fewer than two stems are audible are in no measurement; cocola_score "
      "leaves "
      "out windows in which one of the files is silent.");
  if (card.in_channels != 2) return;
  limits.push_back(
      "HPS features are relative to the loudest place of their window: a level that does not fit "
      "is "
      "not heard.");
  const bool has_masks = !facts.training || facts.training->training.augment.mask_probability > 0.0;
  if (!has_masks) {
    limits.push_back(
        "Trained without channel masks: harmonic and percussive scores are of features it never "
        "met.");
  }
}

std::string percent(double value) { return fmt::format("{:.1f} %", 100.0 * value); }

void add_baseline_limits(const CardFacts& facts, std::vector<std::string>& limits) {
  const AccuracyTables& tables = facts.accuracy;
  const std::pair<const char*, const SimilarityAccuracy*> baselines[] = {
      {"the untrained network", &tables.untrained},
      {"the correlation of loudness", &tables.loudness},
      {"the correlation of onsets", &tables.onsets}};
  for (size_t i = 0; i < tables.trained.rows.size(); ++i) {
    const auto& [k, trained] = tables.trained.rows[i];
    for (const auto& [name, baseline] : baselines) {
      const double value = baseline->rows[i].accuracy.value;
      if (value < trained.value) continue;
      limits.push_back(
          fmt::format("At K = {} {} reads {}, the model {}: no better than without "
                      "training.",
                      k, name, percent(value), percent(trained.value)));
    }
    if (trained.interval && trained.interval->low <= 1.0 / static_cast<double>(k)) {
      limits.push_back(
          fmt::format("At K = {} chance lies within the interval of its accuracy.", k));
    }
  }
}

void add_response_limits(const CardFacts& facts, std::vector<std::string>& limits) {
  if (!facts.response) {
    limits.push_back("The shards hold no stems: how it answers to damage was not measured.");
    return;
  }
  for (const ModeResponse& mode : facts.response->modes) {
    std::vector<std::string_view> deaf;
    for (const DamageResponse& damage : mode.damages) {
      if (!damage.falls) deaf.push_back(damage.kind->name);
    }
    if (deaf.empty()) continue;
    limits.push_back(
        fmt::format("The {} score does not fall under: {}.", mode.mode, fmt::join(deaf, ", ")));
  }
}

}  // namespace

std::vector<std::string> known_limits(const CardFacts& facts) {
  std::vector<std::string> limits;
  add_data_limits(facts, limits);
  add_sound_limits(facts, limits);
  add_baseline_limits(facts, limits);
  add_response_limits(facts, limits);
  limits.push_back(
      "Percentiles are of single windows; the mean over the windows of a file varies less.");
  return limits;
}

}  // namespace cocola
