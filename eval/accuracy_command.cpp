#include <ATen/Parallel.h>

#include <cstdio>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "config/command_line.h"
#include "config/config_file.h"
#include "eval/accuracy_published.h"
#include "eval/accuracy_report.h"
#include "eval/accuracy_table.h"
#include "eval/commands.h"
#include "eval/json_output.h"
#include "eval/measured_model.h"

namespace cocola {
namespace {

// What is asked for beside the table.
struct Extras {
  std::string by, svg;
  bool tables = false;

  // Before any work: a word nobody knows, and a place that cannot be written to.
  void check() const {
    if (!by.empty() && by != "dataset" && by != "instruments") {
      fail_usage("cocola_eval", "--by '{}': allowed are dataset and instruments", by);
    }
    if (!svg.empty()) const PendingFile probe(svg);
  }
};

CommandLineSpec spec_for(Extras& extras) {
  CommandLineSpec spec;
  spec.program = "cocola_eval accuracy";
  spec.summary = "Measures accuracy at K on a split that was never trained on.";
  spec.takes_json = spec.takes_model = true;
  spec.own = {{"by", "dataset|instruments", "one line more for each of these", &extras.by},
              {"svg", "FILE", "draw accuracy against K", &extras.svg}};
  spec.flags = {{"tables", "print the paper's tables with this model in its row", &extras.tables}};
  return spec;
}

// Rows of the paper; ours are empty where the model fits none.
std::vector<ComparedRow> compare(const std::string& published_model, const AccuracyTables& tables,
                                 const RunConfig& config) {
  return compare_with_published(published_model,
                                [&](Layout layout, int64_t k) -> std::optional<double> {
                                  for (const auto& [name, measured] : tables.datasets) {
                                    if (layout_named(name, config) != layout) continue;
                                    if (k > static_cast<int64_t>(measured.standings.size()))
                                      return std::nullopt;
                                    return measured.at(k);
                                  }
                                  return std::nullopt;
                                });
}

void print_text(const RunConfig& config, const AccuracyTables& tables, const DataOrigin& origin,
                const Extras& extras) {
  fmt::print("Accuracy at K on split {} ({} songs, {} windows), 95 % intervals over songs\n",
             config.evaluation.split, tables.num_songs, tables.num_windows);
  const std::string masks = describe_validation_masks(config.training);
  if (!masks.empty()) fmt::print("With {}\n", masks);
  fmt::print("{}\n\n{}", describe(origin), to_text(tables));
  if (tables.num_songs < kFewClusters) {
    fmt::print("\nFewer than {} songs: intervals over songs are {}.\n", kFewClusters,
               tables.num_songs < 2 ? "undefined" : "too narrow");
  }
  if (extras.by == "dataset") fmt::print("{}", datasets_to_text(tables));
  if (extras.by == "instruments") fmt::print("{}", instruments_to_text(tables));
}

OrderedJson document(const RunConfig& config, const AccuracyTables& tables,
                     const DataOrigin& origin, const TrainedModel& model, const std::string& path) {
  const std::string masks = describe_validation_masks(config.training);
  OrderedJson json = {{"split", config.evaluation.split},
                      {"songs", tables.num_songs},
                      {"windows", tables.num_windows}};
  json.update(to_json(tables));
  json.update({{"masks", masks.empty() ? OrderedJson(nullptr) : OrderedJson(masks)},
               {"data", origin.is_own ? "own" : "other"},
               {"trained_on", or_null(origin.trained_on)},
               {"model", path},
               {"model_digest", model.digest},
               {"step", model.card.step}});
  return json;
}

}  // namespace

int accuracy_command(int argc, char** argv) {
  Extras extras;
  const CommandLineSpec spec = spec_for(extras);
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  extras.check();
  const RunConfig& config = line.config;
  at::set_num_threads(available_cores());
  const auto [path, model, shards, origin] = open_measured_model(config, line.model);
  // A converted model does not say what it was trained on.
  const std::string& trained_by = model.card.config_yaml;
  const std::string published_model = extras.tables && !trained_by.empty()
                                          ? published_model_of(parse_config(trained_by, path, {}))
                                          : "";
  const AccuracyTables tables = measure_accuracy(*model.model, *shards, config);

  if (!extras.svg.empty()) write_file_atomically(extras.svg, to_svg(tables, config));
  const std::vector<ComparedRow> published = compare(published_model, tables, config);
  if (line.json) {
    OrderedJson json = document(config, tables, origin, model, path);
    if (extras.tables) json["tables"] = to_json(published);
    print_json(json);
    return kExitDone;
  }
  print_text(config, tables, origin, extras);
  if (!extras.tables) return kExitDone;
  fmt::print("{}", published_tables(published));
  if (published_model.empty()) {
    fmt::print(
        "\nThis model is in no row: its training data, features or similarity are others, or its "
        "file does not name them.\n");
  }
  return kExitDone;
}

}  // namespace cocola
