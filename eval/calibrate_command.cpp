#include <ATen/Parallel.h>

#include <cstdio>

#include "base/atomic_file.h"
#include "base/json.h"
#include "base/process.h"
#include "config/command_line.h"
#include "eval/calibrate.h"
#include "eval/commands.h"
#include "eval/json_output.h"

namespace cocola {
namespace {

void print_distribution(const char* mode, const char* pairs, const ScoreDistribution& scores) {
  fmt::print("{:<12}{:<12}{:>9}", mode, pairs, scores.count);
  for (const double share : {0.05, 0.25, 0.5, 0.75, 0.95}) {
    fmt::print("{:>11.4f}", scores.quantile(share));
  }
  fmt::print("\n");
}

void print_report(const MeasuredModel& measured, const Calibration& calibration) {
  fmt::print("Calibrated {} on split {} ({} songs, {} windows)\n{}\n\n", measured.path,
             calibration.split, calibration.num_songs, calibration.num_windows,
             describe(measured.origin));
  fmt::print("{:<12}{:<12}{:>9}{:>11}{:>11}{:>11}{:>11}{:>11}\n", "score", "pairs", "number", "5 %",
             "25 %", "median", "75 %", "95 %");
  for (const auto& [name, mode] : modes_of(calibration)) {
    print_distribution(name, "true", mode->true_pairs);
    print_distribution("", "mismatched", mode->mismatched);
  }
  fmt::print("\n");
  for (const auto& [name, mode] : modes_of(calibration)) {
    fmt::print("The median true pair's {} score is above those of {:.1f} % of mismatched pairs.\n",
               name, mode->median_true_percentile());
  }
  fmt::print("\n{} in the model file; weights and model_digest {} are as before.\n",
             measured.model.card.calibration.empty() ? "Stored" : "Replaced what was stored",
             measured.model.digest);
}

}  // namespace

int calibrate_command(int argc, char** argv) {
  CommandLineSpec spec;
  spec.program = "cocola_eval calibrate";
  spec.summary = "Stores in a model file how its scores of true and mismatched pairs lie.";
  spec.takes_json = spec.takes_model = true;
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  at::set_num_threads(available_cores());
  const MeasuredModel measured =
      open_measured_model(line.config, line.model, CalibrationUse::ignore);
  { const PendingFile probe(measured.path); }  // a place that cannot be written to, before the work
  const Calibration calibration = calibrate(measured, line.config);
  store_calibration(measured.path, calibration);
  if (!line.json) {
    print_report(measured, calibration);
    return kExitDone;
  }
  OrderedJson json = OrderedJson::parse(calibration_to_json(calibration));
  json.update({{"data", measured.origin.is_own ? "own" : "other"},
               {"trained_on", or_null(measured.origin.trained_on)},
               {"replaced", !measured.model.card.calibration.empty()},
               {"model", measured.path}});
  print_json(json);
  return kExitDone;
}

}  // namespace cocola
