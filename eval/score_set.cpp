#include "eval/score_set.h"

#include <algorithm>

#include "base/csv.h"
#include "eval/accuracy_batches.h"
#include "eval/json_output.h"

namespace cocola {
namespace {

using PairMode = std::optional<ScoreStatistics> PairScore::*;

std::optional<ScoreStatistics> over_pairs(const std::vector<const ScoredPair*>& pairs,
                                          PairMode mode) {
  std::vector<double> means;
  for (const ScoredPair* pair : pairs) {
    if (const auto& score = pair->score.*mode) means.push_back(score->mean);
  }
  if (means.empty()) return std::nullopt;
  const Spread spread = spread_of(means);
  return ScoreStatistics{spread.mean, spread.standard_deviation};
}

std::optional<double> field_of(const std::optional<ScoreStatistics>& score,
                               double ScoreStatistics::*field) {
  return score ? std::optional((*score).*field) : std::nullopt;
}

// Of a pair or a system.
template <typename Scores>
OrderedJson modes_to_json(const Scores& scores, double ScoreStatistics::*field) {
  return {{"both", or_null(field_of(scores.both, field))},
          {"harmonic", or_null(field_of(scores.harmonic, field))},
          {"percussive", or_null(field_of(scores.percussive, field))}};
}

OrderedJson null_if_empty(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

OrderedJson place_to_json(const std::optional<ScorePlace>& place) {
  if (!place) return nullptr;
  return {{"true_pairs", place->true_pairs}, {"mismatched", place->mismatched}};
}

// Null without a calibration.
OrderedJson places_to_json(const PairScore& score, const std::optional<Calibration>& calibration) {
  if (!calibration) return nullptr;
  const PairPlaces places = places_of(score, calibration);
  return {{"both", place_to_json(places.both)},
          {"harmonic", place_to_json(places.harmonic)},
          {"percussive", place_to_json(places.percussive)}};
}

std::optional<ScorePlace> place_of(const std::optional<ScoreStatistics>& score,
                                   const std::optional<ModeCalibration>& mode) {
  if (!score || !mode) return std::nullopt;
  return ScorePlace{mode->true_pairs.percentile(score->mean),
                    mode->mismatched.percentile(score->mean)};
}

OrderedJson to_json(const ScoredPair& scored, const std::optional<Calibration>& calibration,
                    bool with_curve) {
  const auto& [pair, score, problem] = scored;
  OrderedJson row = {
      {"a", pair.a}, {"b", pair.b}, {"name", pair.name}, {"system", null_if_empty(pair.system)}};
  row.update(modes_to_json(score, &ScoreStatistics::mean));
  row["windows"] = score.num_windows;
  row["silent_windows"] = score.num_silent_windows;
  row["spread"] = modes_to_json(score, &ScoreStatistics::spread);
  row["reason"] = null_if_empty(scored.reason());
  if (with_curve) row["curve"] = curve_to_json(score.curve);
  row["percentile"] = places_to_json(score, calibration);
  return row;
}

OrderedJson to_json(const SystemScores& system) {
  return {{"name", system.name},
          {"n", system.num_pairs},
          {"mean", modes_to_json(system, &ScoreStatistics::mean)},
          {"spread", modes_to_json(system, &ScoreStatistics::spread)}};
}

std::string csv_cell(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "";
}

}  // namespace

std::string ScoredPair::reason() const {
  if (!problem.empty()) return problem;
  if (!score.both) return "no window is audible in both files";
  if (!score.harmonic) return "the model hears one channel, neither harmonic nor percussive";
  return "";
}

void ScoreSet::rank() {
  std::ranges::stable_sort(scores, [](const ScoredPair& x, const ScoredPair& y) {
    const auto &left = x.score.both, &right = y.score.both;
    return left && (!right || left->mean > right->mean);
  });
}

int64_t ScoreSet::num_problems() const {
  return std::ranges::count_if(scores, [](const ScoredPair& s) { return !s.problem.empty(); });
}

std::vector<SystemScores> ScoreSet::systems() const {
  std::vector<std::string> names;
  for (const ScoredPair& scored : scores) {
    const std::string& name = scored.pair.system;
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  std::vector<SystemScores> systems;
  for (const std::string& name : names) {
    std::vector<const ScoredPair*> pairs;
    for (const ScoredPair& scored : scores) {
      if (scored.pair.system == name && scored.score.both) pairs.push_back(&scored);
    }
    systems.push_back({.name = name,
                       .num_pairs = std::ssize(pairs),
                       .both = over_pairs(pairs, &PairScore::both),
                       .harmonic = over_pairs(pairs, &PairScore::harmonic),
                       .percussive = over_pairs(pairs, &PairScore::percussive)});
  }
  return systems;
}

OrderedJson ScoreSet::to_json(bool with_curve) const {
  OrderedJson rows = OrderedJson::array(), system_rows = OrderedJson::array();
  for (const ScoredPair& scored : scores)
    rows.push_back(cocola::to_json(scored, calibration, with_curve));
  for (const SystemScores& system : systems()) system_rows.push_back(cocola::to_json(system));
  return {{"scores", rows},
          {"systems", system_rows},
          {"unmatched", {{"a", unmatched_a}, {"b", unmatched_b}}},
          {"hop", hop},
          {"window_seconds", window_seconds},
          {"features", feature_description},
          {"model", model},
          {"model_digest", model_digest}};
}

std::string ScoreSet::to_csv() const {
  std::string table =
      "a,b,name,system,both,harmonic,percussive,windows,silent_windows,spread_both,"
      "spread_harmonic,spread_percussive,true_pairs_percentile,mismatched_percentile,reason";
  for (const auto& [label, value] : scores.at(0).pair.labels) table += "," + label;
  table += '\n';
  for (const ScoredPair& scored : scores) {
    const auto& [pair, score, problem] = scored;
    const auto cells = [&](double ScoreStatistics::*field) {
      return fmt::format("{},{},{}", csv_cell(field_of(score.both, field)),
                         csv_cell(field_of(score.harmonic, field)),
                         csv_cell(field_of(score.percussive, field)));
    };
    const std::optional<ScorePlace> place = places_of(score, calibration).both;
    table +=
        fmt::format("{},{},{},{},{},{},{},{},{},{},{}", csv_field(pair.a), csv_field(pair.b),
                    csv_field(pair.name), csv_field(pair.system), cells(&ScoreStatistics::mean),
                    score.num_windows, score.num_silent_windows, cells(&ScoreStatistics::spread),
                    csv_cell(place ? std::optional(place->true_pairs) : std::nullopt),
                    csv_cell(place ? std::optional(place->mismatched) : std::nullopt),
                    csv_field(scored.reason()));
    for (const auto& [label, value] : pair.labels) table += "," + csv_field(value);
    table += '\n';
  }
  return table;
}

PairPlaces places_of(const PairScore& score, const std::optional<Calibration>& calibration) {
  if (!calibration) return {};
  return {.both = place_of(score.both, calibration->both),
          .harmonic = place_of(score.harmonic, calibration->harmonic),
          .percussive = place_of(score.percussive, calibration->percussive)};
}

OrderedJson curve_to_json(const std::vector<WindowScore>& curve) {
  OrderedJson json = {{"start_seconds", OrderedJson::array()},
                      {"both", OrderedJson::array()},
                      {"harmonic", OrderedJson::array()},
                      {"percussive", OrderedJson::array()}};
  for (const WindowScore& window : curve) {
    json["start_seconds"].push_back(window.start_seconds);
    json["both"].push_back(or_null(window.both));
    json["harmonic"].push_back(or_null(window.harmonic));
    json["percussive"].push_back(or_null(window.percussive));
  }
  return json;
}

std::vector<WindowScore> curve_from_json(const Json& json) {
  std::vector<WindowScore> curve;
  const auto value = [&](const char* mode, size_t i) {
    const Json& number = json.at(mode).at(i);
    return number.is_null() ? std::nullopt : std::optional(number.get<double>());
  };
  for (size_t i = 0; i < json.at("start_seconds").size(); ++i) {
    curve.push_back({.start_seconds = json.at("start_seconds")[i].get<double>(),
                     .both = value("both", i),
                     .harmonic = value("harmonic", i),
                     .percussive = value("percussive", i)});
  }
  return curve;
}

}  // namespace cocola
