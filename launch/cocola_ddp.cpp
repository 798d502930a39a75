// Trains: alone, under mpirun, or under srun.
#include <ATen/Parallel.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "comm/rank_threads.h"
#include "config/command_line.h"
#include "config/config_file.h"
#include "launch/training_run.h"
#include "training/precision.h"
#include "training/reproducibility.h"

namespace cocola {
namespace {

// Checks configuration, shards and batch arithmetic for a world that need not be there.
int dry_run(const RunConfig& config, int64_t world_size) {
  config.training.validate_world(world_size);
  const OpenData data = open_training_data(config, *open_solo_world(), at::kCPU);
  const CocolaModel model(config.model, config.features.channels(), config.training.seed);
  for (const std::string& text : describe_run(config, data, model, world_size)) {
    fmt::print("{}\n", text);
  }
  return kExitDone;
}

// device_world is the caller's: closing it after a failure may block, and the failure is reported
// first.
int train_on(const RunConfig& config, Communicator& host,
             std::unique_ptr<Communicator>& device_world) {
  set_log_rank(host.rank(), host.world_size());
  require_equal_everywhere(host, "version", kVersion);
  require_equal_everywhere(host, "configuration", print_config(config, false));
  config.training.validate_world(host.world_size());

  const int64_t cores = threads_per_rank(host);
  TrainingConfig training = config.training;
  if (training.loader.num_threads == 0) training.loader.num_threads = cores;
  const int64_t threads = operation_threads(training, cores);
  at::set_num_threads(static_cast<int>(threads));
  set_determinism(training.reproducible);
  const at::Device device = choose_device(training.device, host);
  if (device.is_cuda()) device_world = open_device_world(host, training.comm);
  set_product_precision(training.precision);

  const OpenData data = open_training_data(config, host, device);
  CocolaModel model(config.model, config.features.channels(), training.seed);
  log_info("cocola_ddp {}, {} rank(s), device {}, {} thread(s) a rank", kVersion, host.world_size(),
           device.str(), threads);
  for (const std::string& text : describe_run(config, data, model, host.world_size())) {
    log_info("{}", text);
  }
  model.to(device);

  const RunDirectory directory{std::filesystem::path("runs") / config.experiment,
                               run_fingerprint(config), print_config(config, true)};
  Communicator& tensors = device_world ? *device_world : host;
  const TrainingEnd end = train(model, data.training, training, model_card(config, *data.train),
                                directory, host, tensors);
  return end == TrainingEnd::finished ? kExitDone : kExitStopped;
}

// Other ranks may wait for this one, and threads of this one for a file system that hangs: nothing
// is closed in good order.
[[noreturn]] void end_job(int status) {
  abort_world(status);
  std::_Exit(status);
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
  std::unique_ptr<Communicator> device_world;
  const int status =
      run_program("cocola_ddp", [&] { return train_on(line.config, *host, device_world); });
  if (status != kExitDone && status != kExitStopped) end_job(status);
  return status;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  cocola::tune_memory_allocator();
  cocola::install_stop_signals();
  return cocola::run_program("cocola_ddp", [&] { return cocola::run(argc, argv); });
}
