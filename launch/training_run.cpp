#include "launch/training_run.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/digest.h"
#include "base/error.h"
#include "config/command_line.h"
#include "config/config_file.h"
#include "features/feature_settings.h"
#include "launch/memory_estimate.h"
#include "model/training_tracks.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

bool has_split(const Manifest& manifest, const std::string& split) {
  return std::any_of(manifest.shards.begin(), manifest.shards.end(),
                     [&](const ManifestEntry& e) { return e.split == split && e.num_windows > 0; });
}

// Ranks read unequally fast, and may share one disk.
constexpr double kOpeningSeconds = 300.0;
constexpr double kSlowestBytesPerSecond = 20e6;

void verify_together(const fs::path& directory, const Manifest& manifest, Communicator& host) {
  const std::set<std::string> splits = {"train", "valid"};
  double bytes = 0.0;
  for (const ManifestEntry& entry : manifest.shards) {
    if (splits.contains(entry.split)) bytes += static_cast<double>(entry.num_bytes);
  }
  verify_shards(directory, manifest, splits, host.rank(), host.world_size());
  host.barrier_within(kOpeningSeconds + bytes / kSlowestBytesPerSecond);
}

double average_stems_per_pair(const ShardSet& shards) {
  double sum = 0.0;
  for (int64_t window = 0; window < shards.num_windows(); ++window) {
    const auto [shard, local] = shards.locate(window);
    const std::vector<uint8_t>& audible = shard->windows()[static_cast<size_t>(local)].audible;
    sum += expected_stems(
        std::count_if(audible.begin(), audible.end(), [](uint8_t flag) { return flag != 0; }));
  }
  return sum / static_cast<double>(shards.num_windows());
}

// The learning rate that the settings come to.
std::string rate_text(const TrainingConfig& config) {
  std::string text = fmt::format("{:.4g}", config.full_learning_rate());
  if (config.learning_rate_scaling == LearningRateScaling::sqrt) {
    text += fmt::format(" for {} pairs a step, scaled from {}", config.pairs_per_step,
                        config.learning_rate);
  }
  if (config.warmup_steps > 0) text += fmt::format(", after {} steps", config.warmup_steps);
  return text;
}

}  // namespace

OpenData open_training_data(const RunConfig& config, Communicator& host, at::Device device) {
  OpenData data;
  const fs::path directory = config.data.shards;
  const Manifest manifest = read_manifest(directory);
  const fs::path path = directory / kManifestName;
  require_equal_everywhere(host, path.string(), "digest " + digest_of_file(path));
  verify_together(directory, manifest, host);
  data.train = std::make_shared<ShardSet>(directory, "train", false);
  if (has_split(manifest, "valid")) {
    data.valid = std::make_shared<ShardSet>(directory, "valid", false);
  }
  check_shards(*data.train, config.features, config.data.window);

  // The makers keep the shards open for threads that outlive the run.
  const auto source_of = [config](std::shared_ptr<const ShardSet> shards, double noise_std) {
    return [shards = std::move(shards), config, noise_std] {
      return make_pair_source(config.training.source, *shards, config.features, noise_std,
                              config.training.seed);
    };
  };
  TrainingData& training = data.training;
  training.shape = config.features.shape(config.window_samples());
  training.features = config.features;
  training.num_train_windows = data.train->num_windows();
  training.make_train_source = source_of(data.train, config.training.augment.noise_std);
  training.make_train_source();  // refuses mixed features here, before the loop
  if (config.training.features_on == FeaturesOn::device && !device.is_cpu()) {
    training.make_train_stems = [shards = data.train, config] {
      return open_stems(*shards, config.features, config.training.seed);
    };
  }
  if (data.valid) {
    training.num_valid_windows = data.valid->num_windows();
    training.make_valid_source = source_of(data.valid, 0.0);
  }
  if (training.num_train_windows < config.training.pairs_per_step) {
    fail_usage("cocola_ddp", "training.pairs_per_step {} exceeds the {} training windows in {}",
               config.training.pairs_per_step, training.num_train_windows, directory.string());
  }
  return data;
}

at::Device choose_device(DeviceChoice choice, const Communicator& host) {
  if (choice == DeviceChoice::cpu) return at::kCPU;
  const int64_t found = num_cuda_devices();
  if (found > 0) {
    return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(gpu_of(host, found)));
  }
  if (choice == DeviceChoice::cuda) {
    fail_usage("cocola_ddp",
               "training.device is cuda, but no usable GPU was found; use auto or cpu");
  }
  return at::kCPU;
}

std::string run_fingerprint(const RunConfig& config) {
  RunConfig kept = config;
  const TrainingConfig defaults;
  TrainingConfig& t = kept.training;
  // What may change between a run and its continuation.
  t.device = defaults.device;
  t.features_on = defaults.features_on;
  t.precision = defaults.precision;
  t.checkpoint = defaults.checkpoint;
  t.loader = defaults.loader;
  t.comm = defaults.comm;
  t.log_every_steps = defaults.log_every_steps;
  t.max_minutes = defaults.max_minutes;
  t.groups_in_memory = defaults.groups_in_memory;
  t.cuda_graph = defaults.cuda_graph;
  t.threads_per_rank = defaults.threads_per_rank;
  t.max_skipped_steps = defaults.max_skipped_steps;
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

ModelCard model_card(const RunConfig& config, const ShardSet& train) {
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
  std::vector<std::string> tracks;
  for (int64_t t = 0; t < train.num_tracks(); ++t) tracks.push_back(train.track_name(t));
  card.training_tracks = track_list(tracks);
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
  line("rate", rate_text(t));
  line("epoch", fmt::format("{} steps, {} windows left out", sampler.steps_per_epoch(),
                            sampler.num_windows % sampler.pairs_per_step));
  const double stems_per_pair =
      data.training.make_train_stems ? average_stems_per_pair(*data.train) : 0.0;
  line("memory", to_text(estimate_memory(config, model.state().num_parameters(), world_size,
                                         stems_per_pair)));
  return lines;
}

}  // namespace cocola
