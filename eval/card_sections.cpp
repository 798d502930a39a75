#include "eval/card_sections.h"

#include <fmt/format.h>

#include "eval/accuracy_report.h"
#include "eval/line_plot.h"

namespace cocola {
namespace {

using Row = std::vector<std::string>;

std::string percent(double share) { return fmt::format("{:.1f}", 100.0 * share); }
std::string score_text(double score) { return fmt::format("{:.4f}", score); }

// Value, low and high.
template <typename Format>
void append(Row& row, const MeanEstimate& mean, const Format& format) {
  row.push_back(format(mean.value));
  row.push_back(mean.interval ? format(mean.interval->low) : "-");
  row.push_back(mean.interval ? format(mean.interval->high) : "-");
}

PlotCurve share_curve(const char* name, const ScoreDistribution& scores) {
  PlotCurve curve{.name = name, .points = {}};
  const auto steps = static_cast<double>(scores.quantiles.size() - 1);
  for (size_t i = 0; i < scores.quantiles.size(); ++i) {
    curve.points.push_back({scores.quantiles[i], 100.0 * static_cast<double>(i) / steps});
  }
  return curve;
}

LinePlot response_plot(const ResponseReport& report, size_t damage) {
  const DamageKind& kind = *report.modes.front().damages[damage].kind;
  LinePlot plot{.title = fmt::format("Change of score: {}", kind.name),
                .x_label = std::string(kind.unit),
                .curves = {},
                .shows_zero = true};
  for (const ModeResponse& mode : report.modes) {
    PlotCurve& curve = plot.curves.emplace_back(PlotCurve{.name = mode.mode, .points = {}});
    for (const ResponseRow& row : mode.damages[damage].rows) {
      curve.points.push_back({row.strength, row.change.value});
    }
  }
  return plot;
}

}  // namespace

DocumentSection accuracy_section(const CardFacts& facts) {
  const AccuracyTables& tables = facts.accuracy;
  DocumentTable all{.name = "accuracy",
                    .columns = {"K", "trained %", "low", "high", "in batches %", "+-",
                                "untrained %", "loudness %", "onsets %", "chance %"},
                    .rows = {}};
  for (size_t i = 0; i < tables.trained.rows.size(); ++i) {
    const auto& [k, accuracy] = tables.trained.rows[i];
    Row row = {fmt::format("{}", k)};
    append(row, accuracy, percent);
    for (const double value :
         {tables.batched[i].accuracy.mean, tables.batched[i].accuracy.standard_deviation,
          tables.untrained.rows[i].accuracy.value, tables.loudness.rows[i].accuracy.value,
          tables.onsets.rows[i].accuracy.value, 1.0 / static_cast<double>(k)}) {
      row.push_back(percent(value));
    }
    all.rows.push_back(std::move(row));
  }
  DocumentTable sets{.name = "datasets",
                     .columns = {"data set", "songs", "windows", "K", "trained %", "low", "high"},
                     .rows = {}};
  for (const auto& [name, measured] : tables.datasets) {
    for (const auto& [k, accuracy] : measured.rows) {
      Row row = {name, fmt::format("{}", measured.num_songs()),
                 fmt::format("{}", measured.standings.size()), fmt::format("{}", k)};
      append(row, accuracy, percent);
      sets.rows.push_back(std::move(row));
    }
  }
  const std::string masks = describe_validation_masks(facts.config.training);
  DocumentSection section{
      .name = "accuracy",
      .title = "Accuracy",
      .paragraphs = {fmt::format(
                         "The chance that of K candidates the true positive is the most similar: "
                         "split {}, {} songs, {} windows, 95 % intervals over songs. In batches is "
                         "how the papers measure; loudness and onsets need no network.",
                         facts.config.evaluation.split, tables.num_songs, tables.num_windows),
                     describe(facts.measured.origin)},
      .tables = {std::move(all), std::move(sets)},
      .pictures = {{to_svg(tables, facts.config)}},
      .points = {}};
  if (!masks.empty()) section.paragraphs.push_back("With " + masks + ".");
  return section;
}

DocumentSection calibration_section(const CardFacts& facts) {
  DocumentTable table{
      .name = "quantiles",
      .columns = {"score", "pairs", "number", "5 %", "25 %", "median", "75 %", "95 %"},
      .rows = {}};
  DocumentTable separation{.name = "separation",
                           .columns = {"score", "mismatched pairs below the median true one, %"},
                           .rows = {}};
  DocumentSection section{.name = "calibration",
                          .title = "Calibration",
                          .paragraphs = {},
                          .tables = {},
                          .pictures = {},
                          .points = {}};
  for (const auto& [name, mode] : modes_of(facts.calibration)) {
    const auto add = [&, &name = name](const char* pairs, const ScoreDistribution& scores) {
      Row row = {name, pairs, fmt::format("{}", scores.count)};
      for (const double share : {0.05, 0.25, 0.5, 0.75, 0.95}) {
        row.push_back(score_text(scores.quantile(share)));
      }
      table.rows.push_back(std::move(row));
    };
    add("true", mode->true_pairs);
    add("mismatched", mode->mismatched);
    separation.rows.push_back({name, fmt::format("{:.1f}", mode->median_true_percentile())});
    section.pictures.push_back(
        {to_svg({.title = fmt::format("Pairs at or below a score, %: {}", name),
                 .x_label = "score of a window",
                 .curves = {share_curve("true", mode->true_pairs),
                            share_curve("mismatched", mode->mismatched)}})});
  }
  section.paragraphs.push_back(fmt::format(
      "How scores of single windows lie: split {}, {} songs, {} windows. Mismatched pairs join "
      "windows of two songs. Compare scores of two models by their percentiles here, not as they "
      "are. {}",
      facts.calibration.split, facts.calibration.num_songs, facts.calibration.num_windows,
      facts.is_calibration_stored ? "The model file holds this calibration."
                                  : "The model file does not hold this calibration: cocola_eval "
                                    "calibrate stores it."));
  section.tables = {std::move(table), std::move(separation)};
  return section;
}

DocumentSection response_section(const CardFacts& facts) {
  DocumentSection section{.name = "response",
                          .title = "Response to damage",
                          .paragraphs = {},
                          .tables = {},
                          .pictures = {},
                          .points = {}};
  if (!facts.response) {
    section.paragraphs.push_back("Not measured: the shards hold no stems.");
    return section;
  }
  const ResponseReport& report = *facts.response;
  section.paragraphs.push_back(
      fmt::format("How the mean score changes as one side of true pairs is damaged more and more: "
                  "{} windows of "
                  "{} songs, 95 % intervals over songs.",
                  report.num_windows, report.num_songs));
  DocumentTable falls{
      .name = "falls",
      .columns = {"score", "damage", "falls as it grows", "trend", "least to greatest"},
      .rows = {}};
  DocumentTable curves{
      .name = "curves",
      .columns = {"score", "damage", "strength", "unit", "mean score", "change", "low", "high"},
      .rows = {}};
  for (const ModeResponse& mode : report.modes) {
    for (const DamageResponse& damage : mode.damages) {
      const std::string name(damage.kind->name);
      falls.rows.push_back({mode.mode, name, damage.falls ? "yes" : "no",
                            damage.trend ? fmt::format("{:.2f}", *damage.trend) : "-",
                            score_text(damage.growth.value)});
      for (const ResponseRow& row : damage.rows) {
        Row cells = {mode.mode, name, fmt::format("{:g}", row.strength),
                     std::string(damage.kind->unit), score_text(row.score.value)};
        append(cells, row.change, score_text);
        curves.rows.push_back(std::move(cells));
      }
    }
  }
  for (size_t damage = 0; damage < report.modes.front().damages.size(); ++damage) {
    section.pictures.push_back({to_svg(response_plot(report, damage))});
  }
  section.tables = {std::move(falls), std::move(curves)};
  return section;
}

}  // namespace cocola
