#include <ATen/Parallel.h>

#include <cstdio>

#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "config/command_line.h"
#include "eval/commands.h"
#include "eval/json_output.h"
#include "eval/measured_model.h"
#include "eval/response.h"

namespace cocola {
namespace {

OrderedJson to_json(const DamageResponse& response) {
  OrderedJson rows = OrderedJson::array();
  for (const ResponseRow& row : response.rows) {
    rows.push_back({{"strength", row.strength},
                    {"score", estimate_to_json(row.score)},
                    {"change", estimate_to_json(row.change)}});
  }
  return {{"unit", response.kind->unit},
          {"rows", rows},
          {"growth", estimate_to_json(response.growth)},
          {"trend", or_null(response.trend)},
          {"falls", response.falls}};
}

std::string cell(const MeanEstimate& mean) {
  if (!mean.interval) return fmt::format("{:9.4f} [-]", mean.value);
  return fmt::format("{:9.4f} [{:.4f}, {:.4f}]", mean.value, mean.interval->low,
                     mean.interval->high);
}

void print_mode(const ModeResponse& mode) {
  fmt::print("\n{}\n{:<14}{:>20}  {:<30}{}\n", mode.mode, "damage", "strength", "mean score",
             "change");
  for (const DamageResponse& damage : mode.damages) {
    for (const ResponseRow& row : damage.rows) {
      fmt::print("{:<14}{:>20}  {:<30}{}\n", damage.kind->name,
                 fmt::format("{:g} {}", row.strength, damage.kind->unit), cell(row.score),
                 row.strength > 0.0 ? cell(row.change) : "");
    }
  }
  fmt::print("\nDoes the {} score fall as damage grows?\n{:<20}{:>19}  {}\n", mode.mode, "",
             "correlation", "least to greatest");
  for (const DamageResponse& damage : mode.damages) {
    fmt::print("{:<14}{:<6}{:>19}  {}\n", damage.kind->name, damage.falls ? "yes" : "no",
               damage.trend ? fmt::format("{:.2f}", *damage.trend) : "does not change",
               cell(damage.growth));
  }
}

void print_report(const RunConfig& config, const ResponseReport& report, const DataOrigin& origin) {
  fmt::print("Response to damage on split {} ({} windows of {} songs), 95 % intervals over songs\n",
             config.evaluation.split, report.num_windows, report.num_songs);
  fmt::print("{}\n", describe(origin));
  for (const ModeResponse& mode : report.modes) print_mode(mode);
  if (report.num_songs < kFewClusters) {
    fmt::print("\nFewer than {} songs: intervals over songs are too narrow.\n", kFewClusters);
  }
}

}  // namespace

int response_command(int argc, char** argv) {
  std::string num_windows = kResponseWindows;
  CommandLineSpec spec;
  spec.program = "cocola_eval response";
  spec.summary = "Measures how the score answers to damage of one side of a pair.";
  spec.takes_json = spec.takes_model = true;
  spec.own = {{"windows", "N", "measure at most N windows (default: 128)", &num_windows}};
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  const int64_t most_windows = parse_response_windows(num_windows);
  const RunConfig& config = line.config;
  at::set_num_threads(available_cores());
  const auto [path, model, shards, origin] = open_measured_model(config, line.model);
  const ResponseReport report = measure_response(model, *shards, config, most_windows);
  if (!line.json) {
    print_report(config, report, origin);
    return kExitDone;
  }
  OrderedJson modes = OrderedJson::object();
  for (const ModeResponse& mode : report.modes) {
    for (const DamageResponse& damage : mode.damages) {
      modes[mode.mode][std::string(damage.kind->name)] = to_json(damage);
    }
  }
  const OrderedJson json = {{"split", config.evaluation.split},
                            {"songs", report.num_songs},
                            {"windows", report.num_windows},
                            {"modes", modes},
                            {"model", path},
                            {"model_digest", model.digest}};
  print_json(json);
  return kExitDone;
}

}  // namespace cocola
