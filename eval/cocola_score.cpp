// COCOLA scores of pairs of audio files: both channels, harmonic, percussive.
#include <ATen/Parallel.h>

#include <charconv>
#include <cstdio>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "comm/communicator.h"
#include "comm/rank_threads.h"
#include "config/command_line.h"
#include "eval/json_output.h"
#include "eval/score_pictures.h"
#include "eval/score_run.h"

namespace cocola {
namespace {

struct ScoreOptions {
  std::string pairs, hop, csv, html;
  std::string num_pictures = std::to_string(kDefaultSpectrogramPairs);
  bool candidates = false, curve = false;
};

CommandLineSpec describe_program(ScoreOptions& options) {
  CommandLineSpec spec;
  spec.program = "cocola_score";
  spec.summary =
      "Scores how well recording B fits recording A; a mix first, an accompaniment second. A and "
      "B\n"
      "may be two folders, matched by the names of the files in them. With --candidates, A is a "
      "mix\n"
      "and all others are ranked. Alone, or under mpirun for many pairs.\n"
      "Any rate and number of channels. The recordings start together; what the longer one holds\n"
      "beyond the shorter is not looked at. A score is the mean over windows of the model's\n"
      "length, one every evaluation.hop and one at the end; below one window, zeros follow.\n"
      "Windows in which either recording is silent (-60 dBFS or less) are left out; with none\n"
      "left there is no score: none, in JSON null with the reason.";
  spec.positional = "A B";
  spec.takes_json = spec.takes_model = true;
  spec.requires_config = false;
  spec.own = {{"pairs", "FILE", "instead of A B: CSV with columns a, b, at will name, system",
               &options.pairs},
              {"hop", "SHARE", "from window to window, as a share of one (default: evaluation.hop)",
               &options.hop},
              {"csv", "FILE", "also write a table with one row for each pair", &options.csv},
              {"html", "FILE", "also make a page: tables, curves, spectrograms", &options.html},
              {"spectrograms", "N", "on the page, of the first N pairs (default: 20)",
               &options.num_pictures}};
  spec.flags = {
      {"candidates", "the first file is a mix; rank all others, best first", &options.candidates},
      {"curve", "print the score of every window, and which are the worst", &options.curve}};
  return spec;
}

PairList list_pairs(const ScoreOptions& options, const std::vector<std::string>& files) {
  if (!options.pairs.empty()) {
    if (options.candidates || !files.empty()) {
      fail_usage("cocola_score", "--pairs names all files; give no others with it");
    }
    return pairs_of_csv(options.pairs);
  }
  if (options.candidates) return pairs_of_candidates(files);
  if (files.size() != 2) {
    fail_usage("cocola_score",
               "{} files given, two are needed: a mix and an accompaniment (or two folders, "
               "--pairs, --candidates)",
               files.size());
  }
  return pairs_of_two(files[0], files[1]);
}

std::string model_path(const CommandLine& line) {
  if (!line.model.empty()) return line.model;
  if (!line.has_config) {
    fail_usage("cocola_score",
               "no model named: give --model FILE, or --config FILE of a finished run");
  }
  return (std::filesystem::path("runs") / line.config.experiment / "model.safetensors").string();
}

double chosen_hop(const std::string& text, double configured) {
  if (text.empty()) return configured;
  double hop = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hop);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail_usage("--hop", "'{}' is not a number; a share of a window in [0.01, 1]", text);
  }
  require_range("--hop", hop, 0.01, 1.0);
  return hop;
}

void name_unmatched(const std::vector<std::string>& files) {
  for (const std::string& file : files) log_warning("{}: no file of that name in the other", file);
}

// Throws: Error when no pair could be read.
void name_problems(const ScoreSet& set) {
  const int64_t num_problems = set.num_problems();
  if (num_problems == std::ssize(set.scores)) fail("score", "{}", set.scores[0].problem);
  for (const ScoredPair& scored : set.scores) {
    if (!scored.problem.empty()) log_warning("pair {}: {}", scored.pair.name, scored.problem);
  }
  if (num_problems > 0) {
    log_warning("{} of {} pairs have no score because of the above", num_problems,
                set.scores.size());
  }
}

void write_page(const ScoreSet& set, const ScoreOptions& options, const TrainedModel& model) {
  OrderedJson document = set.to_json(true);
  add_comparison(document);
  const int64_t most = parse_num_pictures(options.num_pictures);
  write_score_report(options.html, document, draw_pictures(document, model, most));
}

void publish(const ScoreSet& set, const TrainedModel& model, const ScoreOptions& options,
             bool as_json) {
  name_problems(set);
  if (!options.csv.empty()) write_file_atomically(options.csv, set.to_csv());
  if (!options.html.empty()) write_page(set, options, model);
  if (as_json) {
    print_json(set.to_json(options.curve));
  } else {
    fmt::print("{}", set.to_text(options.candidates, options.curve));
  }
}

// Returns whether every pair could be read.
bool score(const CommandLine& line, const ScoreOptions& options, Communicator& world) {
  set_log_rank(world.rank(), world.world_size());
  // Rank 0 looks first, so that what every rank would refuse is said once.
  if (!world.is_rank_zero()) world.barrier();
  ScoreSet set;
  set.model = model_path(line);
  set.hop = chosen_hop(options.hop, line.config.evaluation.hop);
  PairList list = list_pairs(options, line.files);
  parse_num_pictures(options.num_pictures);
  for (const std::string& path : {options.csv, options.html}) {
    if (world.is_rank_zero() && !path.empty()) const PendingFile can_be_written(path);
  }
  const TrainedModel model = open_model(set.model);
  if (world.is_rank_zero()) world.barrier();

  set.model_digest = model.digest;
  set.feature_description = model.card.feature_description;
  set.window_seconds = model.card.window_seconds;
  set.calibration = model.calibration;
  set.unmatched_a = std::move(list.unmatched_a);
  set.unmatched_b = std::move(list.unmatched_b);
  if (world.is_rank_zero()) {
    name_unmatched(set.unmatched_a);
    name_unmatched(set.unmatched_b);
  }
  at::set_num_threads(static_cast<int>(threads_per_rank(world)));
  set.scores = score_pairs(model, list.pairs, set.hop, world);
  if (options.candidates) set.rank();
  if (world.is_rank_zero()) publish(set, model, options, line.json);
  return set.num_problems() == 0;
}

int run(int argc, char** argv) {
  ScoreOptions options;
  CommandLine line;
  if (!parse_command_line(describe_program(options), argc, argv, line)) return kExitDone;
  // Ranks wait for the one with the longest recordings.
  const auto world = open_host_world({.timeout_seconds = 86'400.0});
  bool all_read = true;
  const int status = run_program("cocola_score", [&] {
    all_read = score(line, options, *world);
    return kExitDone;
  });
  if (status != kExitDone) abort_world(status);
  return status != kExitDone ? status : all_read ? kExitDone : kExitFailure;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  cocola::tune_memory_allocator();
  return cocola::run_program("cocola_score", [&] { return cocola::run(argc, argv); });
}
