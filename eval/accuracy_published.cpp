#include "eval/accuracy_published.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace cocola {
namespace {

constexpr PublishedRow kRows[] = {
    {"I", "MoisesDB", 2, {0.5256, 0.5301, 0.5122, 0.6032}},
    {"I", "Slakh2100", 2, {0.5306, 0.5358, 0.5378, 0.5935}},
    {"I", "CocoChorales", 2, {0.7010, 0.6148, 0.6750, 0.9978}},
    {"I", "All", 2, {0.9043, 0.9306, 0.9006, 0.9989}},
    {"I", "HPS All", 2, {0.9387, 0.9367, 0.9427, 0.9968}},
    {"II", "HPS All", 8, {0.7802, 0.7368, 0.7972, 0.9827}},
    {"II", "HPS All", 16, {0.7032, 0.6217, 0.7262, 0.9667}},
    {"II", "HPS All", 64, {0.5433, 0.3404, 0.5935, 0.9067}},
};

constexpr Ensembles kRandomAlone{.brass = false, .string = false, .woodwind = false};

bool is_trained_on(const DatasetConfig& dataset) {
  if (dataset.into == IntoSplit::train) {
    return dataset.take_train || dataset.take_valid || dataset.take_test;
  }
  return dataset.into == IntoSplit::same && dataset.take_train;
}

}  // namespace

std::string published_model_of(const RunConfig& run) {
  if (run.model.similarity != SimilarityKind::bilinear) return "";
  std::set<Layout> layouts;
  bool has_all_ensembles = false, has_random_alone = false;
  for (const DatasetConfig& dataset : run.data.datasets) {
    if (!is_trained_on(dataset)) continue;
    layouts.insert(dataset.layout);
    if (dataset.layout != Layout::cocochorales) continue;
    has_all_ensembles = dataset.ensembles == Ensembles{};
    has_random_alone = dataset.ensembles == kRandomAlone;
  }
  const bool is_mel = run.features.kind == FeatureKind::mel;
  const std::set<Layout> all = {Layout::moisesdb, Layout::slakh2100, Layout::cocochorales};
  if (layouts == all && has_random_alone) return is_mel ? "All" : "HPS All";
  if (layouts.size() != 1 || !is_mel) return "";
  switch (*layouts.begin()) {
    case Layout::moisesdb:
      return "MoisesDB";
    case Layout::slakh2100:
      return "Slakh2100";
    case Layout::cocochorales:
      return has_all_ensembles ? "CocoChorales" : "";
    case Layout::musdb18hq:
    case Layout::folder:
      return "";
  }
  return "";
}

std::optional<Layout> layout_named(const std::string& dataset, const RunConfig& config) {
  for (const DatasetConfig& candidate : config.data.datasets) {
    const std::string name = candidate.name.empty() ? to_string(candidate.layout) : candidate.name;
    if (name == dataset) return candidate.layout;
  }
  return std::nullopt;
}

bool ComparedRow::is_ours() const {
  return std::ranges::any_of(ours, [](const auto& cell) { return cell.has_value(); });
}

std::vector<ComparedRow> compare_with_published(
    const std::string& model,
    const std::function<std::optional<double>(Layout, int64_t k)>& measured) {
  std::vector<ComparedRow> rows;
  for (const PublishedRow& published : kRows) {
    ComparedRow row{published, {}};
    for (size_t set = 0; set < kPublishedSets.size() && model == published.model; ++set) {
      row.ours[set] = measured(kPublishedSets[set], published.k);
    }
    rows.push_back(row);
  }
  return rows;
}

std::string published_tables(const std::vector<ComparedRow>& rows) {
  constexpr const char* kLine = "{:<14}{:>4}{:>12}{:>12}{:>12}{:>14}\n";
  std::string text;
  std::string_view table;
  for (const ComparedRow& row : rows) {
    if (row.published.table != table) {
      table = row.published.table;
      text += fmt::format("\nTable {} of the paper, accuracy in %\n", table);
      text += fmt::format(kLine, "trained on", "K", "MUSDB18-HQ", "MoisesDB", "Slakh2100",
                          "CocoChorales");
    }
    const auto percent = [](std::optional<double> value) {
      return value ? fmt::format("{:.2f}", 100 * *value) : std::string("-");
    };
    const auto& [a, b, c, d] = row.published.accuracy;
    text += fmt::format(kLine, row.published.model, row.published.k, percent(a), percent(b),
                        percent(c), percent(d));
    if (!row.is_ours()) continue;
    text += fmt::format(kLine, "  this model", row.published.k, percent(row.ours[0]),
                        percent(row.ours[1]), percent(row.ours[2]), percent(row.ours[3]));
  }
  return text;
}

}  // namespace cocola
