// The COCOLA score of two audio files: both channels, harmonic, percussive.
#include <ATen/Parallel.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "config/command_line.h"
#include "eval/json_output.h"
#include "eval/score.h"

namespace cocola {
namespace {

OrderedJson value_of(const std::optional<ScoreStatistics>& score, double ScoreStatistics::*field) {
  return score ? OrderedJson((*score).*field) : OrderedJson(nullptr);
}

// Why scores are missing; empty when none is.
std::string why_missing(const PairScore& score) {
  if (!score.both) return "no window is audible in both files";
  if (!score.harmonic) return "the model hears one channel, neither harmonic nor percussive";
  return "";
}

OrderedJson to_json(const std::string& a, const std::string& b, const PairScore& score) {
  const auto fields = [&](double ScoreStatistics::*field) {
    return OrderedJson{{"both", value_of(score.both, field)},
                       {"harmonic", value_of(score.harmonic, field)},
                       {"percussive", value_of(score.percussive, field)}};
  };
  OrderedJson row = {{"a", a}, {"b", b}};
  row.update(fields(&ScoreStatistics::mean));
  row["windows"] = score.num_windows;
  row["silent_windows"] = score.num_silent_windows;
  row["spread"] = fields(&ScoreStatistics::spread);
  const std::string reason = why_missing(score);
  row["reason"] = reason.empty() ? OrderedJson(nullptr) : OrderedJson(reason);
  return row;
}

void print_line(const char* name, const std::optional<ScoreStatistics>& score) {
  if (score) {
    fmt::print("  {:<11}{:>9.4f}   spread {:.4f}\n", name, score->mean, score->spread);
  } else {
    fmt::print("  {:<11}{:>9}\n", name, "none");
  }
}

void print_text(const std::string& a, const std::string& b, const PairScore& score) {
  fmt::print("{}\n{}\n", printable(a), printable(b));
  print_line("both", score.both);
  print_line("harmonic", score.harmonic);
  print_line("percussive", score.percussive);
  fmt::print("  over {} windows, {} left out as silent\n", score.num_windows,
             score.num_silent_windows);
  if (const std::string reason = why_missing(score); !reason.empty()) {
    fmt::print("  none: {}\n", reason);
  }
}

int run(int argc, char** argv) {
  CommandLineSpec spec;
  spec.program = "cocola_score";
  spec.summary =
      "Scores how well recording B fits recording A; a mix first, an accompaniment second.\n"
      "Any rate and number of channels. The recordings start together; what the longer one holds\n"
      "beyond the shorter is not looked at. A score is the mean over windows of the model's\n"
      "length, one every evaluation.hop and one at the end; below one window, zeros follow.\n"
      "Windows in which either recording is silent (-60 dBFS or less) are left out; with none\n"
      "left there is no score: none, in JSON null with the reason.";
  spec.positional = "A B";
  spec.takes_json = spec.takes_model = true;
  spec.requires_config = false;
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  if (line.files.size() != 2) {
    fail_usage("cocola_score", "{} files given, two are needed: a mix and an accompaniment",
               line.files.size());
  }
  if (line.model.empty() && !line.has_config) {
    fail_usage("cocola_score",
               "no model named: give --model FILE, or --config FILE of a finished run");
  }
  const std::string path =
      line.model.empty()
          ? (std::filesystem::path("runs") / line.config.experiment / "model.safetensors").string()
          : line.model;
  at::set_num_threads(available_cores());
  const TrainedModel model = open_model(path);
  const Waveform a = read_waveform(line.files[0], model.card.sample_rate_hz);
  const Waveform b = read_waveform(line.files[1], model.card.sample_rate_hz);
  const PairScore score = score_pair(model, a, b, line.config.evaluation.hop);
  if (line.json) {
    const OrderedJson json = {
        {"scores", OrderedJson::array({to_json(line.files[0], line.files[1], score)})},
        {"model", path},
        {"model_digest", model.digest}};
    print_json(json);
  } else {
    print_text(line.files[0], line.files[1], score);
  }
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  cocola::tune_memory_allocator();
  return cocola::run_program("cocola_score", [&] { return cocola::run(argc, argv); });
}
