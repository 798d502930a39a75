#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <cstdio>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "comm/communicator.h"
#include "comm/rank_threads.h"
#include "config/command_line.h"
#include "eval/commands.h"
#include "eval/distance_report.h"
#include "eval/json_output.h"

namespace cocola {
namespace {

struct DistanceOptions {
  std::string sigma_of = "A", model, context;
  bool frechet_only = false;
};

CommandLineSpec describe_command(DistanceOptions& options) {
  CommandLineSpec spec;
  spec.program = "cocola_eval distance";
  spec.summary =
      "Tells how far two sets of embeddings are apart: Frechet distance (FAD), FAD-infinity and\n"
      "kernel distance (KAD). A is the reference, B is evaluated. Each is a folder of audio, a\n"
      "folder of .npy files, one .npy file, or a matrix in an HDF5 file (FILE.h5:/dataset), one "
      "row\n"
      "an embedding. Audio is embedded by --model in windows of its length, one every\n"
      "evaluation.hop and one at the end; silent ones (-60 dBFS or less) are left out.\n"
      "Alone, or under mpirun for large sets.";
  spec.positional = "A B";
  spec.takes_json = true;
  spec.requires_config = false;
  spec.own = {{.name = "model",
               .value_name = "FILE",
               .help = "model file (safetensors) that embeds audio",
               .value = &options.model},
              {.name = "context",
               .value_name = "FOLDER",
               .help = "mix each audio file of B with the file of the same name in this folder",
               .value = &options.context},
              {.name = "sigma-of",
               .value_name = "SET",
               .help = "the set whose median distance is the kernel's width: A (default) or B",
               .value = &options.sigma_of}};
  spec.flags = {{.name = "frechet-only",
                 .help = "Frechet distances alone, of sets of any size: no embeddings are kept",
                 .value = &options.frechet_only}};
  return spec;
}

// Returns whether there is work to do.
bool parse(int argc, char** argv, DistanceOptions& options, CommandLine& line) {
  const CommandLineSpec spec = describe_command(options);
  if (!parse_command_line(spec, argc, argv, line)) return false;
  if (line.files.size() != 2) {
    fail_usage(spec.program, "{} sets given, two are needed: a reference and what is evaluated",
               line.files.size());
  }
  if (options.sigma_of != "A" && options.sigma_of != "B") {
    fail_usage(spec.program, "--sigma-of is '{}'; allowed are A and B", options.sigma_of);
  }
  return true;
}

// Rank 0 first: what it refuses or prints (--help) it says once.
bool parse_on_ranks(int argc, char** argv, DistanceOptions& options, CommandLine& line,
                    Communicator& world) {
  const at::Tensor goes_on = at::zeros({1}, at::kLong);
  if (world.is_rank_zero()) goes_on.fill_(parse(argc, argv, options, line) ? 1 : 0);
  world.broadcast(goes_on);
  if (goes_on.item<int64_t>() == 0) return false;
  return world.is_rank_zero() || parse(argc, argv, options, line);
}

struct Sets {
  std::optional<TrainedModel> model;
  std::unique_ptr<EmbeddingSource> reference, evaluated;
};

void open_sets(const CommandLine& line, const DistanceOptions& options, Sets& sets) {
  if (!options.model.empty()) sets.model = open_model(options.model);
  AudioEmbedding audio{.model = sets.model ? &*sets.model : nullptr,
                       .hop = line.config.evaluation.hop,
                       .context = ""};
  sets.reference = open_embeddings(line.files[0], audio);
  audio.context = options.context;
  sets.evaluated = open_embeddings(line.files[1], audio);
  const SourceFacts &a = sets.reference->facts(), &b = sets.evaluated->facts();
  require_equal_dimensions(a.path, a.dimensions, b.path, b.dimensions);
}

// The report is rank 0's; others get an empty one.
DistanceReport measure(const Sets& sets, const DistanceOptions& options, uint64_t seed,
                       Communicator& world) {
  if (options.frechet_only) {
    const StreamedSet reference = stream_set(*sets.reference, nullptr, world);
    const StreamedSet evaluated = stream_set(*sets.evaluated, &reference.statistics, world);
    return world.is_rank_zero() ? measure_frechet(reference, evaluated) : DistanceReport{};
  }
  const EmbeddingSet reference = read_embeddings(*sets.reference, world);
  const EmbeddingSet evaluated = read_embeddings(*sets.evaluated, world);
  if (!world.is_rank_zero()) return {};
  return measure_distance(reference, evaluated, options.sigma_of == "A", seed);
}

void publish(const DistanceReport& report, const Sets& sets, const DistanceOptions& options,
             bool as_json) {
  if (!as_json) {
    fmt::print("{}", report.to_text());
    return;
  }
  OrderedJson json = report.to_json();
  json["context"] = options.context.empty() ? OrderedJson(nullptr) : OrderedJson(options.context);
  json["model"] = sets.model ? OrderedJson(options.model) : OrderedJson(nullptr);
  json["model_digest"] = sets.model ? OrderedJson(sets.model->digest) : OrderedJson(nullptr);
  print_json(json);
}

void run(int argc, char** argv, Communicator& world) {
  set_log_rank(world.rank(), world.world_size());
  DistanceOptions options;
  CommandLine line;
  if (!parse_on_ranks(argc, argv, options, line, world)) return;
  // Rank 0 looks first, so that what every rank would refuse is said once.
  if (!world.is_rank_zero()) world.barrier();
  Sets sets;
  open_sets(line, options, sets);
  if (world.is_rank_zero()) world.barrier();
  at::set_num_threads(static_cast<int>(threads_per_rank(world)));
  const DistanceReport report = measure(sets, options, line.config.evaluation.seed, world);
  if (world.is_rank_zero()) publish(report, sets, options, line.json);
}

}  // namespace

int distance_command(int argc, char** argv) {
  // Ranks wait for the one with the longest recordings.
  const auto world = open_host_world({.timeout_seconds = 86'400.0});
  const int status = run_program("cocola_eval", [&] {
    run(argc, argv, *world);
    return kExitDone;
  });
  if (status != kExitDone) abort_world(status);
  return status;
}

}  // namespace cocola
