// Tracks in, HDF5 shards and a manifest out. Run it again after a stop: finished shards are kept.
#include <filesystem>
#include <map>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/progress.h"
#include "config/command_line.h"
#include "config/config_file.h"
#include "preprocess/datasets/dataset.h"
#include "preprocess/shard_builder.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  std::vector<ManifestEntry> entries;
  int64_t num_built = 0;
  bool stopped = false;
};

Outcome build_all(const RunConfig& config, const std::vector<PlannedShard>& plan,
                  int64_t num_tracks) {
  const fs::path directory = config.data.shards;
  const ShardSettings settings = shard_settings(config);
  Progress progress("preprocessing", "tracks", num_tracks, true);
  int64_t done = 0;
  const TrackProgress advance = [&](int64_t tracks) {
    progress.update(done += tracks);
    return !stop_requested();
  };
  Outcome outcome;
  for (const PlannedShard& shard : plan) {
    std::optional<ManifestEntry> entry = existing_shard(directory, shard, settings);
    if (entry) {
      done += static_cast<int64_t>(shard.tracks.size());
    } else {
      entry = build_shard(directory, shard, config, settings, available_cores(), advance);
      ++outcome.num_built;
    }
    if (!entry || stop_requested()) {
      outcome.stopped = true;
      break;
    }
    outcome.entries.push_back(std::move(*entry));
  }
  return outcome;
}

void report(const RunConfig& config, const std::vector<ManifestEntry>& entries) {
  std::map<std::string, ManifestEntry> totals;
  for (const ManifestEntry& entry : entries) {
    ManifestEntry& total = totals[entry.split];
    total.num_tracks += entry.num_tracks;
    total.num_windows += entry.num_windows;
    total.num_bytes += entry.num_bytes;
  }
  for (const char* split : {"train", "valid", "test"}) {
    const ManifestEntry& total = totals[split];
    log_info("  {:<6}{:>7} tracks {:>9} windows {:>10.1f} MB", split, total.num_tracks,
             total.num_windows, static_cast<double>(total.num_bytes) / 1e6);
  }
  if (totals["train"].num_windows == 0) {
    fail("preprocess", "{}: no training windows; add tracks or change data.datasets split",
         config.data.shards);
  }
}

int run(int argc, char** argv) {
  CommandLineSpec spec;
  spec.program = "cocola_preprocess";
  spec.summary =
      "Turns tracks into HDF5 shards and a manifest; continues where an earlier run stopped.";
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  const RunConfig& config = line.config;

  const TrackList list = find_tracks(config.data.datasets);
  if (!list.bad.empty()) fail("preprocess", "{}", list.bad.front().reason);
  const std::vector<TrackFiles>& tracks = list.tracks;
  const std::vector<PlannedShard> plan = plan_shards(config, tracks);
  fs::create_directories(config.data.shards);
  sweep_stale_temporaries(config.data.shards);
  Outcome outcome = build_all(config, plan, static_cast<int64_t>(tracks.size()));
  if (outcome.stopped) {
    log_info("stopped on request; run the same command to continue");
    return kExitStopped;
  }
  log_info("{}: {} shards, {} of them built now", config.data.shards, plan.size(),
           outcome.num_built);
  report(config, outcome.entries);
  if (outcome.num_built > 0 || !fs::exists(fs::path(config.data.shards) / kManifestName)) {
    write_manifest(config.data.shards, {shard_settings(config), print_config(config, false),
                                        kVersion, std::move(outcome.entries)});
  }
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  cocola::install_stop_signals();
  return cocola::run_program("cocola_preprocess", [&] { return cocola::run(argc, argv); });
}
