// Accuracy at K on songs the model never trained on, with the untrained network beside it.
#include <ATen/Parallel.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "config/command_line.h"
#include "eval/accuracy_table.h"
#include "model/model_file.h"

namespace cocola {
namespace {

void check_model(const LoadedModel& loaded, const RunConfig& config, const std::string& path) {
  if (loaded.card.feature_fingerprint != config.features.fingerprint()) {
    fail("cocola_eval",
         "{}: trained on features {} ({}), the configuration asks for {} ({}); use the config.yaml "
         "of "
         "the model's run",
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
    json[std::to_string(row.k)] = {
        {"accuracy", row.accuracy.value}, {"low", row.accuracy.low}, {"high", row.accuracy.high}};
  }
  return json;
}

std::string cell(const Interval& interval) {
  return fmt::format("{:5.1f} % [{:.1f}, {:.1f}]", 100 * interval.value, 100 * interval.low,
                     100 * interval.high);
}

void print_table(const RunConfig& config, const ShardSet& shards,
                 const std::vector<AccuracyRow>& trained,
                 const std::vector<AccuracyRow>& untrained) {
  fmt::print("Accuracy at K on split {} ({} songs, {} windows), 95 % intervals over songs\n\n",
             config.evaluation.split, shards.num_tracks(), shards.num_windows());
  fmt::print("{:>6}  {:<24}{:<24}{:>8}\n", "K", "trained", "untrained", "chance");
  for (size_t i = 0; i < trained.size(); ++i) {
    fmt::print("{:>6}  {:<24}{:<24}{:>6.1f} %\n", trained[i].k, cell(trained[i].accuracy),
               cell(untrained[i].accuracy), 100.0 / static_cast<double>(trained[i].k));
  }
}

int run(int argc, char** argv) {
  CommandLineSpec spec;
  spec.program = "cocola_eval";
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

  const LoadedModel loaded = read_model_file(path);
  check_model(loaded, config, path);
  const ShardSet shards(config.data.shards, config.evaluation.split, true);
  const std::vector<AccuracyRow> trained = accuracy_table(*loaded.model, shards, config);
  const CocolaModel fresh(loaded.card.model, loaded.card.in_channels, config.training.seed);
  const std::vector<AccuracyRow> untrained = accuracy_table(fresh, shards, config);

  if (line.json) {
    const OrderedJson json = {{"split", config.evaluation.split}, {"songs", shards.num_tracks()},
                              {"windows", shards.num_windows()},  {"k", to_json(trained)},
                              {"untrained", to_json(untrained)},  {"model", path},
                              {"model_digest", loaded.digest},    {"step", loaded.card.step}};
    fmt::print("{}\n", json.dump(2));
  } else {
    print_table(config, shards, trained, untrained);
  }
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  cocola::tune_memory_allocator();
  return cocola::run_program("cocola_eval", [&] { return cocola::run(argc, argv); });
}
