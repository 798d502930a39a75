// What a training from stems makes of its parts: pairs per second of cocola_ddp beside its steps
// and its data, each measured alone, and how many steps had to wait.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <fstream>

#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "config/config_file.h"
#include "support/child.h"
#include "support/synthetic_shards.h"
#include "support/temporary_directory.h"
#include "support/trainee.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = COCOLA_CONFIGS "/demo.yaml";
// A step whose data is ready asks the loader no longer than this.
constexpr double kStallSeconds = 1e-3;

struct LoggedSteps {
  double seconds = 0.0;
  int64_t num_steps = 0, num_stalls = 0;
};

// The steps in a run's log from `first` on.
LoggedSteps read_log(const fs::path& path, int64_t first, int64_t pairs_per_step) {
  LoggedSteps steps;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const Json row = parse_json_strictly(line, path.string());
    if (row.at("kind") != "train" || row.at("step") < first) continue;
    ++steps.num_steps;
    steps.seconds += static_cast<double>(pairs_per_step) / row.at("pairs_per_second").get<double>();
    if (row.at("data_wait_seconds") > kStallSeconds) ++steps.num_stalls;
  }
  if (steps.num_steps == 0) fail("bench", "{} has no steps from {} on", path.string(), first);
  return steps;
}

LoggedSteps run_training(const std::vector<std::string>& settings, const fs::path& folder,
                         int64_t warm_up, int64_t pairs_per_step) {
  std::vector<std::string> command = {"env",      "-C",   folder, COCOLA_BIN "/cocola_ddp",
                                      "--config", kConfig};
  for (const std::string& setting : settings) command.insert(command.end(), {"--set", setting});
  bench::run_to_success(command);
  return read_log(folder / "runs/demo/log.jsonl", warm_up + 1, pairs_per_step);
}

// Pairs per second of the loader with a thread for each core, as the trainer has it.
double loader_rate(const RunConfig& config, const ShardSet& shards, int64_t num_steps) {
  const TrainingConfig& training = config.training;
  const Sampler sampler{shards.num_windows(), training.pairs_per_step, training.seed};
  const auto make_maker = [&] {
    return make_feature_maker(make_pair_source(training.source, shards, config.features,
                                               training.augment.noise_std, training.seed),
                              config.features.shape(config.window_samples()), training.augment,
                              training.seed);
  };
  const double seconds = bench::seconds_of([&] {
    LoaderConfig threads = training.loader;
    threads.num_threads = available_cores();
    BatchLoader loader(sampler, 0, 1, 0, num_steps, threads, make_maker);
    for (int64_t step = 0; step < num_steps; ++step) loader.next();
  });
  return static_cast<double>(num_steps * training.pairs_per_step) / seconds;
}

double step_rate(bench::Trainee& trainee, const Batch& batch, int64_t num_steps) {
  double seconds = 0.0;
  for (int64_t step = 0; step < num_steps; ++step) seconds += trainee.seconds_of_step(batch);
  return static_cast<double>(num_steps) * static_cast<double>(batch.window_ids.size()) / seconds;
}

int measure(const bench::Arguments& arguments) {
  at::set_num_threads(available_cores());
  const testing::TemporaryDirectory folder;
  const int64_t warm_up = 5, num_steps = arguments.choose<int64_t>(20, 60);
  const std::vector<std::string> settings = {
      "data.shards=" + folder.path().string(), "training.log_every_steps=1",
      fmt::format("training.max_steps={}", warm_up + num_steps), "training.recompute_statistics=0"};
  const RunConfig config = load_config(kConfig, settings);
  bench::write_synthetic_shards(folder.path(),
                                {.tracks_per_shard = 4,
                                 .windows_per_track = 200,
                                 .window_samples = config.window_samples(),
                                 .hop_samples = config.window_samples() / 2},
                                config.features);
  const ShardSet shards(folder.path(), "train", false);
  const int64_t pairs_per_step = config.training.pairs_per_step;

  bench::Trainee trainee(config.model, config.training);
  const Batch batch =
      bench::random_batch(pairs_per_step, config.features.shape(config.window_samples()));
  step_rate(trainee, batch, warm_up);
  const LoggedSteps steps = run_training(settings, folder.path(), warm_up, pairs_per_step);
  const double of_steps = step_rate(trainee, batch, num_steps);
  const double of_loader = loader_rate(config, shards, num_steps);

  const auto count = [](int64_t n) { return static_cast<double>(n); };
  const double parts = 1.0 / (1.0 / of_steps + 1.0 / of_loader);
  bench::report({{.name = "end_to_end",
                  .what = "cocola_ddp from stems (peer: steps + data, each alone)",
                  .unit = "pairs/s",
                  .ours = count(steps.num_steps * pairs_per_step) / steps.seconds,
                  .peer = parts},
                 {.name = "loader_demand",
                  .what = "its data alone (peer: its steps alone)",
                  .unit = "pairs/s",
                  .ours = of_loader,
                  .peer = of_steps},
                 {.name = "stalls",
                  .what = "steps that waited over 1 ms for data",
                  .unit = "% of steps",
                  .ours = 100.0 * count(steps.num_stalls) / count(steps.num_steps),
                  .better = bench::Better::less}},
                arguments);
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  return cocola::run_program("bench_end_to_end", [&] {
    cocola::tune_memory_allocator();
    return cocola::measure(cocola::bench::parse_arguments(argc, argv));
  });
}
