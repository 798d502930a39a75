#include <ATen/Parallel.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "config/command_line.h"
#include "eval/accuracy_table.h"
#include "eval/commands.h"
#include "eval/trained_model.h"
#include "eval/unseen_songs.h"

namespace cocola {
namespace {

void check_model(const TrainedModel& loaded, const RunConfig& config, const std::string& path) {
  if (loaded.card.feature_fingerprint != config.features.fingerprint()) {
    fail("cocola_eval",
         "{}: trained on features {} ({}), the configuration asks for {} ({}); use the config.yaml "
         "of the model's run",
         path, loaded.card.feature_fingerprint, loaded.card.feature_description,
         config.features.fingerprint(), config.features.description());
  }
  if (loaded.card.window_seconds != config.data.window.window_seconds) {
    fail("cocola_eval", "{}: trained on windows of {} s, the configuration asks for {} s", path,
         loaded.card.window_seconds, config.data.window.window_seconds);
  }
}

OrderedJson to_json(const std::vector<AccuracyRow>& table) {
  OrderedJson json = OrderedJson::object();
  for (const AccuracyRow& row : table) {
    const auto bound = [&](double Interval::*end) {
      const auto& interval = row.accuracy.interval;
      return interval ? OrderedJson((*interval).*end) : OrderedJson(nullptr);
    };
    json[std::to_string(row.k)] = {{"accuracy", row.accuracy.value},
                                   {"low", bound(&Interval::low)},
                                   {"high", bound(&Interval::high)}};
  }
  return json;
}

std::string cell(const MeanEstimate& mean) {
  if (!mean.interval) return fmt::format("{:5.1f} % [-]", 100 * mean.value);
  return fmt::format("{:5.1f} % [{:.1f}, {:.1f}]", 100 * mean.value, 100 * mean.interval->low,
                     100 * mean.interval->high);
}

void print_tables(const RunConfig& config, const ShardSet& shards, const AccuracyTables& tables,
                  const DataOrigin& origin) {
  fmt::print("Accuracy at K on split {} ({} songs, {} windows), 95 % intervals over songs\n",
             config.evaluation.split, tables.num_songs, shards.num_windows());
  const std::string masks = describe_validation_masks(config.training);
  if (!masks.empty()) fmt::print("With {}\n", masks);
  fmt::print("{}\n\n{:>6}  {:<24}{:<24}{:>8}\n", describe(origin), "K", "trained", "untrained",
             "chance");
  for (size_t i = 0; i < tables.trained.size(); ++i) {
    const int64_t k = tables.trained[i].k;
    fmt::print("{:>6}  {:<24}{:<24}{:>6.1f} %\n", k, cell(tables.trained[i].accuracy),
               cell(tables.untrained[i].accuracy), 100.0 / static_cast<double>(k));
  }
  if (tables.num_songs < kFewClusters) {
    fmt::print("\nFewer than {} songs: intervals over songs are {}.\n", kFewClusters,
               tables.num_songs < 2 ? "undefined" : "too narrow");
  }
}

}  // namespace

int accuracy_command(int argc, char** argv) {
  CommandLineSpec spec;
  spec.program = "cocola_eval accuracy";
  spec.summary = "Measures accuracy at K on a split that was never trained on.";
  spec.takes_json = spec.takes_model = true;
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  const RunConfig& config = line.config;
  const std::string path =
      line.model.empty()
          ? (std::filesystem::path("runs") / config.experiment / "model.safetensors").string()
          : line.model;
  at::set_num_threads(available_cores());

  const TrainedModel model = open_model(path);
  check_model(model, config, path);
  const std::string& split = config.evaluation.split;
  const ShardSet shards(config.data.shards, split, true);
  const DataOrigin origin = check_unseen(model.card, path, shards, config.data.shards, split);
  const AccuracyTables tables = measure_accuracy(*model.model, shards, config);

  if (line.json) {
    const std::string masks = describe_validation_masks(config.training);
    const OrderedJson json = {
        {"split", split},
        {"songs", tables.num_songs},
        {"windows", shards.num_windows()},
        {"k", to_json(tables.trained)},
        {"untrained", to_json(tables.untrained)},
        {"masks", masks.empty() ? OrderedJson(nullptr) : OrderedJson(masks)},
        {"data", origin.is_own ? "own" : "other"},
        {"trained_on", origin.trained_on ? OrderedJson(*origin.trained_on) : OrderedJson(nullptr)},
        {"model", path},
        {"model_digest", model.digest},
        {"step", model.card.step}};
    fmt::print("{}\n", json.dump(2, ' ', false, OrderedJson::error_handler_t::replace));
  } else {
    print_tables(config, shards, tables, origin);
  }
  return kExitDone;
}

}  // namespace cocola
