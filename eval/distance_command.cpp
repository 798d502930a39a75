#include <ATen/Parallel.h>

#include <cstdio>
#include <optional>

#include "base/error.h"
#include "base/process.h"
#include "config/command_line.h"
#include "eval/commands.h"
#include "eval/distance_report.h"
#include "eval/json_output.h"

namespace cocola {

int distance_command(int argc, char** argv) {
  std::string sigma_of = "A", model_path, context;
  CommandLineSpec spec;
  spec.program = "cocola_eval distance";
  spec.summary =
      "Tells how far two sets of embeddings are apart: Frechet distance (FAD), FAD-infinity and\n"
      "kernel distance (KAD). A is the reference, B is evaluated. Each is a folder of audio, a\n"
      "folder of .npy files, one .npy file, or a matrix in an HDF5 file (FILE.h5:/dataset), one "
      "row\n"
      "an embedding. Audio is embedded by --model in windows of its length, one every\n"
      "evaluation.hop and one at the end; silent ones (-60 dBFS or less) are left out.";
  spec.positional = "A B";
  spec.takes_json = true;
  spec.requires_config = false;
  spec.own = {{.name = "model",
               .value_name = "FILE",
               .help = "model file (safetensors) that embeds audio",
               .value = &model_path},
              {.name = "context",
               .value_name = "FOLDER",
               .help = "mix each audio file of B with the file of the same name in this folder",
               .value = &context},
              {.name = "sigma-of",
               .value_name = "SET",
               .help = "the set whose median distance is the kernel's width: A (default) or B",
               .value = &sigma_of}};
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  if (line.files.size() != 2) {
    fail_usage(spec.program, "{} sets given, two are needed: a reference and what is evaluated",
               line.files.size());
  }
  if (sigma_of != "A" && sigma_of != "B") {
    fail_usage(spec.program, "--sigma-of is '{}'; allowed are A and B", sigma_of);
  }
  at::set_num_threads(available_cores());
  std::optional<TrainedModel> model;
  if (!model_path.empty()) model = open_model(model_path);
  const EvaluationConfig& evaluation = line.config.evaluation;
  AudioEmbedding audio{.model = model ? &*model : nullptr, .hop = evaluation.hop, .context = ""};
  const EmbeddingSet reference = read_embeddings(line.files[0], audio);
  audio.context = context;
  const EmbeddingSet evaluated = read_embeddings(line.files[1], audio);
  const DistanceReport report =
      measure_distance(reference, evaluated, sigma_of == "A", evaluation.seed);
  if (line.json) {
    OrderedJson json = report.to_json();
    json["context"] = context.empty() ? OrderedJson(nullptr) : OrderedJson(context);
    json["model"] = model ? OrderedJson(model_path) : OrderedJson(nullptr);
    json["model_digest"] = model ? OrderedJson(model->digest) : OrderedJson(nullptr);
    print_json(json);
  } else {
    fmt::print("{}", report.to_text());
  }
  return kExitDone;
}

}  // namespace cocola
