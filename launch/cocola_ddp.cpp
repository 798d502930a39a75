// Trains: alone, under mpirun, or under srun.
#include <ATen/Parallel.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "config/command_line.h"
#include "config/config_file.h"
#include "launch/training_run.h"
#include "training/precision.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// Checks configuration, shards and batch arithmetic for a world that need not be there.
int dry_run(const RunConfig& config, int64_t world_size) {
  config.training.validate_world(world_size);
  const OpenData data = open_training_data(config, *open_solo_world());
  const CocolaModel model(config.model, config.features.channels(), config.training.seed);
  for (const std::string& text : describe_run(config, data, model, world_size)) {
    fmt::print("{}\n", text);
  }
  return kExitDone;
}

int train_on(RunConfig config, Communicator& host) {
  set_log_rank(host.rank(), host.world_size());
  require_equal_everywhere(host, "version", kVersion);
  require_equal_everywhere(host, "configuration", print_config(config, false));
  config.training.validate_world(host.world_size());

  const int64_t threads = threads_per_rank(host.local_size());
  at::set_num_threads(static_cast<int>(threads));
  if (config.training.loader.num_threads == 0) config.training.loader.num_threads = threads;
  const at::Device device = choose_device(config.training.device, host.local_rank());
  std::unique_ptr<Communicator> device_world;
  if (device.is_cuda()) device_world = open_device_world(host, config.training.comm);
  set_product_precision(config.training.precision);

  const OpenData data = open_training_data(config, host);
  CocolaModel model(config.model, config.features.channels(), config.training.seed);
  log_info("cocola_ddp {}, {} rank(s), device {}, {} thread(s) a rank", kVersion, host.world_size(),
           device.str(), threads);
  for (const std::string& text : describe_run(config, data, model, host.world_size())) {
    log_info("{}", text);
  }
  model.to(device);

  const fs::path directory = fs::path("runs") / config.experiment;
  if (host.is_rank_zero()) {
    fs::create_directories(directory);
    write_file_atomically(directory / "config.yaml", print_config(config, true));
  }
  Communicator& tensors = device_world ? *device_world : host;
  const TrainingEnd end =
      train(model, data.training, config.training, model_card(config, *data.train), directory,
            run_fingerprint(config), host, tensors);
  return end == TrainingEnd::finished ? kExitDone : kExitStopped;
}

int run(int argc, char** argv) {
  CommandLineSpec spec;
  spec.program = "cocola_ddp";
  spec.summary =
      "Trains a model; alone, under mpirun or under srun. Output goes to runs/<experiment>/.";
  spec.takes_dry_run = true;
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  if (line.dry_run) return dry_run(line.config, std::max<int64_t>(1, line.as_world));

  const auto host = open_host_world(line.config.training.comm);
  const int status = run_program("cocola_ddp", [&] { return train_on(line.config, *host); });
  if (status != kExitDone && status != kExitStopped) abort_world(status);
  return status;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  cocola::tune_memory_allocator();
  cocola::install_stop_signals();
  return cocola::run_program("cocola_ddp", [&] { return cocola::run(argc, argv); });
}
