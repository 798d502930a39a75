#include "launch/training_run.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/digest.h"
#include "base/error.h"
#include "base/process.h"
#include "config/command_line.h"
#include "config/config_file.h"
#include "features/feature_settings.h"
#include "launch/memory_estimate.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

void check_settings(const RunConfig& config, const ShardSettings& shards) {
  const auto compare = [&](const char* key, auto wanted, auto found) {
    if (wanted == found) return;
    fail("cocola_ddp",
         "{}: the shards were made with {} = {}, this run asks for {}; rebuild them with "
         "cocola_preprocess or change the configuration",
         config.data.shards, key, found, wanted);
  };
  compare("data.sample_rate_hz", config.data.sample_rate_hz, shards.sample_rate_hz);
  compare("window length in samples", config.window_samples(), shards.window_samples);
}

bool has_split(const Manifest& manifest, const std::string& split) {
  return std::any_of(manifest.shards.begin(), manifest.shards.end(),
                     [&](const ManifestEntry& e) { return e.split == split && e.num_windows > 0; });
}

}  // namespace

OpenData open_training_data(const RunConfig& config, const Communicator& host) {
  OpenData data;
  const fs::path directory = config.data.shards;
  const Manifest manifest = read_manifest(directory);
  for (const char* split : {"train", "valid"}) {
    verify_shards(directory, manifest, split, host.rank(), host.world_size());
  }
  data.train = std::make_unique<ShardSet>(directory, "train", false);
  if (has_split(manifest, "valid")) {
    data.valid = std::make_unique<ShardSet>(directory, "valid", false);
  }
  check_settings(config, data.train->settings());

  const auto source_of = [config](const ShardSet& shards, double noise_std) {
    return [&shards, config, noise_std] {
      return make_pair_source(config.training.source, shards, config.features, noise_std,
                              config.training.seed);
    };
  };
  TrainingData& training = data.training;
  training.shape = config.features.shape(config.window_samples());
  training.num_train_windows = data.train->num_windows();
  training.make_train_source = source_of(*data.train, config.training.augment.noise_std);
  training.make_train_source();  // refuses mixed features here, before the loop
  if (data.valid) {
    training.num_valid_windows = data.valid->num_windows();
    training.make_valid_source = source_of(*data.valid, 0.0);
  }
  if (training.num_train_windows < config.training.pairs_per_step) {
    fail_usage("cocola_ddp", "training.pairs_per_step {} exceeds the {} training windows in {}",
               config.training.pairs_per_step, training.num_train_windows, directory.string());
  }
  return data;
}

at::Device choose_device(DeviceChoice choice, int64_t local_rank) {
  if (choice == DeviceChoice::cpu) return at::kCPU;
  const int64_t found = num_cuda_devices();
  if (found > 0) return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(local_rank));
  if (choice == DeviceChoice::cuda) {
    fail_usage("cocola_ddp",
               "training.device is cuda, but no usable GPU was found; use auto or cpu");
  }
  return at::kCPU;
}

int64_t threads_per_rank(int64_t local_size) {
  const int64_t mine = available_cores();
  const auto all = static_cast<int64_t>(std::thread::hardware_concurrency());
  return std::max<int64_t>(1, mine == all ? mine / local_size : mine);
}

std::string run_fingerprint(const RunConfig& config) {
  RunConfig kept = config;
  const TrainingConfig defaults;
  TrainingConfig& t = kept.training;
  // What may change between a run and its continuation.
  t.device = defaults.device;
  t.precision = defaults.precision;
  t.checkpoint = defaults.checkpoint;
  t.loader = defaults.loader;
  t.comm = defaults.comm;
  t.log_every_steps = defaults.log_every_steps;
  t.max_minutes = defaults.max_minutes;
  if (t.schedule == LearningRateSchedule::constant) {
    t.epochs = defaults.epochs;
    t.max_steps = defaults.max_steps;
  }
  kept.evaluation = EvaluationConfig{};
  kept.data = DataConfig{};  // the manifest stands for the data
  kept.data.window = config.data.window;
  return digest_of(print_config(kept, false) +
                   digest_of_file(fs::path(config.data.shards) / kManifestName));
}

ModelCard model_card(const RunConfig& config) {
  ModelCard card;
  card.model = config.model;
  card.in_channels = config.features.channels();
  card.feature_kind = to_string(config.features.kind);
  card.feature_description = config.features.description();
  card.feature_fingerprint = config.features.fingerprint();
  card.feature_settings = feature_settings_to_json(config.features);
  card.sample_rate_hz = config.data.sample_rate_hz;
  card.window_seconds = config.data.window.window_seconds;
  card.masked_db = kMaskedDb;
  card.config_yaml = print_config(config, false);
  card.data_digest = digest_of_file(fs::path(config.data.shards) / kManifestName);
  card.version = kVersion;
  return card;
}

std::vector<std::string> describe_run(const RunConfig& config, const OpenData& data,
                                      const CocolaModel& model, int64_t world_size) {
  const TrainingConfig& t = config.training;
  const Sampler sampler{data.training.num_train_windows, t.pairs_per_step, t.seed};
  const double hours = static_cast<double>(data.training.num_train_windows) *
                       config.data.window.window_seconds / 3600.0;
  const FeatureShape shape = data.training.shape;
  std::vector<std::string> lines;
  const auto line = [&lines](const std::string& name, const std::string& value) {
    lines.push_back(fmt::format("  {:<12}{}", name, value));
  };
  line("data",
       fmt::format(
           "{}: {} training windows of {} s ({:.1f} h) from {} tracks, {} validation windows",
           config.data.shards, data.training.num_train_windows, config.data.window.window_seconds,
           hours, data.train->num_tracks(), data.training.num_valid_windows));
  line("features", fmt::format("{} x {} x {} ({})", shape.channels, shape.mel_bins, shape.frames,
                               config.features.fingerprint()));
  line("network", fmt::format("{} parameters, width {}, depth {}", model.state().num_parameters(),
                              config.model.width, config.model.depth));
  line("step",
       fmt::format("{} pairs over {} ranks: {} pairs a rank, batch-norm groups of {}",
                   t.pairs_per_step, world_size, t.pairs_per_step / world_size, t.pairs_per_group));
  line("epoch", fmt::format("{} steps, {} windows left out", sampler.steps_per_epoch(),
                            sampler.num_windows % sampler.pairs_per_step));
  line("memory", to_text(estimate_memory(config, model.state().num_parameters(), world_size)));
  return lines;
}

}  // namespace cocola
