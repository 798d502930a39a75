#include <algorithm>
#include <cstdio>

#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "config/command_line.h"
#include "eval/commands.h"
#include "eval/json_output.h"
#include "eval/listeners.h"

namespace cocola {
namespace {

OrderedJson to_json(const Correlations& correlations) {
  const auto to_entry = [&](const Estimate& e) {
    OrderedJson json = {{"value", or_null(e.value)}};
    append_interval(e.interval, json);
    json["n"] = correlations.n;
    return json;
  };
  return {{"pearson", to_entry(correlations.pearson)},
          {"spearman", to_entry(correlations.spearman)},
          {"kendall", to_entry(correlations.kendall)}};
}

OrderedJson to_json(const std::optional<Correlations>& correlations) {
  return correlations ? to_json(*correlations) : OrderedJson(nullptr);
}

OrderedJson to_json(const ListeningTest& test, const ListenerReport& report) {
  OrderedJson systems = OrderedJson::object();
  for (const SystemCorrelations& row : report.systems) {
    OrderedJson& entry = systems[row.system] = to_json(row.correlations);
    entry["mean_rating"] = row.mean_rating;
    entry["mean_score"] = row.mean_score;
  }
  return {{"ratings", test.num_ratings},
          {"raters", or_null(test.num_raters)},
          {"items", test.items.size()},
          {"songs", report.num_songs > 0 ? OrderedJson(report.num_songs) : OrderedJson(nullptr)},
          {"all", to_json(report.all)},
          {"centred_by_song", to_json(report.centred_by_song)},
          {"centred_by_song_and_stem", to_json(report.centred_by_song_and_stem)},
          {"system_means", to_json(report.system_means)},
          {"systems", systems},
          {"unrated", test.unrated},
          {"unscored", test.unscored}};
}

std::string cell(const Estimate& estimate) {
  if (!estimate.value) return "undefined";
  if (!estimate.interval) return fmt::format("{:6.3f} [-]", *estimate.value);
  return fmt::format("{:6.3f} [{:.3f}, {:.3f}]", *estimate.value, estimate.interval->low,
                     estimate.interval->high);
}

void print_row(const std::string& name, const Correlations& row) {
  fmt::print("{:<28}{:>6}  {:<24}{:<24}{}\n", printable(name), row.n, cell(row.pearson),
             cell(row.spearman), cell(row.kendall));
}

bool is_undefined_anywhere(const ListenerReport& report) {
  const auto is_undefined = [](const Correlations& row) { return !row.pearson.value; };
  const auto lacks = [&](const std::optional<Correlations>& row) {
    return row && is_undefined(*row);
  };
  return is_undefined(report.all) || lacks(report.centred_by_song) ||
         lacks(report.centred_by_song_and_stem) || lacks(report.system_means) ||
         std::any_of(report.systems.begin(), report.systems.end(),
                     [&](const auto& row) { return is_undefined(row.correlations); });
}

void print_unmatched(const char* what, const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  if (names.empty()) return;
  fmt::print("\n{} items are {}:\n", names.size(), what);
  for (size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    fmt::print("  {}\n", printable(names[i]));
  }
  if (names.size() > kShown) {
    fmt::print("  and {} more; --json lists all\n", names.size() - kShown);
  }
}

void print_report(const ListeningTest& test, const ListenerReport& report) {
  const bool has_songs = report.num_songs > 0;
  const int64_t num_clusters =
      has_songs ? report.num_songs : static_cast<int64_t>(test.items.size());
  const char* const clusters = has_songs ? "songs" : "items";
  fmt::print("{} ratings{} of {} items{}; means over raters\n", test.num_ratings,
             test.num_raters ? fmt::format(" by {} raters", *test.num_raters) : "",
             test.items.size(), has_songs ? fmt::format(" from {} songs", report.num_songs) : "");
  fmt::print("Correlations with 95 % intervals over {}\n\n{:<28}{:>6}  {:<24}{:<24}{}\n", clusters,
             "", "n", "Pearson", "Spearman", "Kendall tau-b");
  print_row("items", report.all);
  if (report.centred_by_song) print_row("centred by song", *report.centred_by_song);
  if (report.centred_by_song_and_stem) {
    print_row("centred by song and stem", *report.centred_by_song_and_stem);
  }
  if (report.system_means) print_row("means of systems", *report.system_means);
  for (const auto& row : report.systems) print_row("inside " + row.system, row.correlations);
  if (!report.systems.empty()) {
    fmt::print("\n{:<28}{:>6}  {:>12}{:>12}\n", "system", "n", "mean rating", "mean score");
  }
  for (const SystemCorrelations& row : report.systems) {
    fmt::print("{:<28}{:>6}  {:>12.3f}{:>12.4g}\n", printable(row.system), row.correlations.n,
               row.mean_rating, row.mean_score);
  }
  if (is_undefined_anywhere(report)) {
    fmt::print("\nUndefined: fewer than 3 numbers, or all ratings or all scores are equal.\n");
  }
  if (num_clusters < kFewClusters) {
    fmt::print("\nFewer than {} {}: intervals are {}.\n", kFewClusters, clusters,
               num_clusters < 2 ? "undefined" : "too narrow");
  }
  print_unmatched("scored but not rated", test.unrated);
  print_unmatched("rated but not scored", test.unscored);
}

}  // namespace

int listeners_command(int argc, char** argv) {
  std::string ratings, scores, score_column = "score";
  CommandLineSpec spec;
  spec.program = "cocola_eval listeners";
  spec.summary = "Correlates scores with the ratings of a listening test.";
  spec.takes_config = false;
  spec.takes_json = true;
  spec.own = {
      {"ratings", "FILE", "CSV: rating, rater, and any of item, song, stem, system", &ratings,
       true},
      {"scores", "FILE", "CSV: a score, and the same of item, song, stem, system", &scores, true},
      {"score-column", "NAME", "the column of the score (default: score)", &score_column}};
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  const ListeningTest test = join_listening_test(read_csv(ratings), read_csv(scores), score_column);
  const ListenerReport report = correlate_with_listeners(test);
  if (line.json) {
    print_json(to_json(test, report));
  } else {
    print_report(test, report);
  }
  return kExitDone;
}

}  // namespace cocola
