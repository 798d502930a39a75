#include "eval/accuracy_report.h"

#include <fmt/format.h>

#include "base/log.h"
#include "eval/accuracy_chart.h"
#include "eval/json_output.h"

namespace cocola {
namespace {

// Appends accuracy, low and high.
void add_estimate(const MeanEstimate& mean, OrderedJson& json) {
  json["accuracy"] = mean.value;
  append_interval(mean.interval, json);
}

OrderedJson to_json(const std::vector<AccuracyRow>& rows) {
  OrderedJson json = OrderedJson::object();
  for (const AccuracyRow& row : rows) add_estimate(row.accuracy, json[std::to_string(row.k)]);
  return json;
}

OrderedJson curve_of(const SimilarityAccuracy& measured) {
  OrderedJson curve = OrderedJson::array();
  for (int64_t k = 2; k <= static_cast<int64_t>(measured.standings.size()); ++k) {
    curve.push_back({k, measured.at(k)});
  }
  return curve;
}

std::string cell(const MeanEstimate& mean) {
  if (!mean.interval) return fmt::format("{:5.1f} % [-]", 100 * mean.value);
  return fmt::format("{:5.1f} % [{:.1f}, {:.1f}]", 100 * mean.value, 100 * mean.interval->low,
                     100 * mean.interval->high);
}

std::string percent(double value) { return fmt::format("{:.1f} %", 100 * value); }

}  // namespace

OrderedJson to_json(const AccuracyTables& tables) {
  OrderedJson json = {{"k", to_json(tables.trained.rows)},
                      {"untrained", to_json(tables.untrained.rows)},
                      {"loudness", to_json(tables.loudness.rows)},
                      {"onsets", to_json(tables.onsets.rows)}};
  OrderedJson& batched = json["random_batches"] = OrderedJson::object();
  for (const BatchedRow& row : tables.batched) {
    batched[std::to_string(row.k)] = {{"mean", row.accuracy.mean},
                                      {"standard_deviation", row.accuracy.standard_deviation},
                                      {"passes", row.num_passes}};
  }
  OrderedJson& datasets = json["datasets"] = OrderedJson::object();
  for (const auto& [name, measured] : tables.datasets) {
    datasets[name] = {{"songs", measured.num_songs()},
                      {"windows", measured.standings.size()},
                      {"k", to_json(measured.rows)}};
  }
  OrderedJson& instruments = json["instruments"] = OrderedJson::array();
  for (const auto& [pair, row] : tables.instruments) {
    OrderedJson entry = {{"anchor", pair.first},
                         {"positive", pair.second},
                         {"songs", row.accuracy.num_clusters},
                         {"windows", row.num_windows}};
    add_estimate(row.accuracy, entry);
    instruments.push_back(std::move(entry));
  }
  json["curve"] = curve_of(tables.trained);
  return json;
}

OrderedJson to_json(const std::vector<ComparedRow>& rows) {
  OrderedJson json = OrderedJson::array();
  for (const ComparedRow& row : rows) {
    OrderedJson published, ours;
    for (size_t set = 0; set < kPublishedSets.size(); ++set) {
      const char* const name = to_string(kPublishedSets[set]);
      published[name] = row.published.accuracy[set];
      ours[name] = or_null(row.ours[set]);
    }
    json.push_back({{"table", row.published.table},
                    {"model", row.published.model},
                    {"k", row.published.k},
                    {"published", published},
                    {"ours", row.is_ours() ? ours : OrderedJson(nullptr)}});
  }
  return json;
}

std::string to_text(const AccuracyTables& tables) {
  constexpr const char* kLine = "{:>6}  {:<22}{:<17}{:<22}{:>9}{:>9}{:>9}\n";
  std::string text =
      fmt::format(kLine, "K", "trained", "in batches", "untrained", "loudness", "onsets", "chance");
  for (size_t i = 0; i < tables.trained.rows.size(); ++i) {
    const auto& [k, accuracy] = tables.trained.rows[i];
    const Spread& batched = tables.batched[i].accuracy;
    text += fmt::format(
        kLine, k, cell(accuracy),
        fmt::format("{} +- {:.1f}", percent(batched.mean), 100 * batched.standard_deviation),
        cell(tables.untrained.rows[i].accuracy), percent(tables.loudness.rows[i].accuracy.value),
        percent(tables.onsets.rows[i].accuracy.value), percent(1.0 / static_cast<double>(k)));
  }
  return text + fmt::format(
                    "\nIn batches: the papers' way, all windows in random batches of K; mean and "
                    "standard deviation of {} passes.\n",
                    tables.batched.front().num_passes);
}

std::string datasets_to_text(const AccuracyTables& tables) {
  constexpr const char* kLine = "{:<24}{:>8}{:>9}{:>7}  {:<24}{:>8}\n";
  std::string text = "\nBy data set, each among its own windows\n" +
                     fmt::format(kLine, "data set", "songs", "windows", "K", "trained", "chance");
  for (const auto& [name, measured] : tables.datasets) {
    const auto line = [&, &name = name, &measured = measured](const std::string& k,
                                                              const std::string& trained,
                                                              const std::string& chance) {
      return fmt::format(kLine, printable(name), measured.num_songs(), measured.standings.size(), k,
                         trained, chance);
    };
    for (const auto& [k, accuracy] : measured.rows) {
      text += line(std::to_string(k), cell(accuracy), percent(1.0 / static_cast<double>(k)));
    }
    if (measured.rows.empty()) text += line("-", "too few windows", "");
  }
  return text;
}

std::string instruments_to_text(const AccuracyTables& tables) {
  if (tables.instruments.empty()) return "\nThe stems carry no names of instruments.\n";
  constexpr const char* kLine = "{:<24}{:<24}{:>8}{:>9}  {:<24}\n";
  std::string text =
      "\nBy instruments at K = 2, among all windows; sub-mixes of several count "
      "for each\n" +
      fmt::format(kLine, "in the anchor", "in the positive", "songs", "windows", "trained");
  for (const auto& [pair, row] : tables.instruments) {
    text += fmt::format(kLine, printable(pair.first), printable(pair.second),
                        row.accuracy.num_clusters, row.num_windows, cell(row.accuracy));
  }
  return text;
}

std::string to_svg(const AccuracyTables& tables, const RunConfig& config) {
  constexpr size_t kLongestName = 60;  // that fits on the page
  AccuracyChart chart{
      .title = "Accuracy at K: " + config.experiment.substr(0, kLongestName),
      .subtitle = fmt::format("split {}: {} songs, {} windows", config.evaluation.split,
                              tables.num_songs, tables.num_windows),
      .most_candidates = tables.num_windows,
      .curves = {}};
  const std::pair<const char*, const SimilarityAccuracy*> measured[] = {
      {"trained", &tables.trained},
      {"untrained", &tables.untrained},
      {"loudness", &tables.loudness},
      {"onsets", &tables.onsets}};
  for (const auto& [name, similarity] : measured) {
    ChartCurve curve{.name = name, .points = {}, .has_band = false};
    const bool is_trained = similarity == &tables.trained;
    curve.has_band = is_trained && tables.num_songs > 1;
    for (const int64_t k : chart_candidates(tables.num_windows)) {
      if (!curve.has_band) {
        curve.points.push_back({.k = k, .accuracy = similarity->at(k)});
        continue;
      }
      const MeanEstimate mean = similarity->estimate_at(k, config.evaluation.seed);
      curve.points.push_back({k, mean.value, mean.interval->low, mean.interval->high});
    }
    chart.curves.push_back(std::move(curve));
  }
  return to_svg(chart);
}

}  // namespace cocola
