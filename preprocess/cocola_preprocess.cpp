// Tracks in, HDF5 shards and a manifest out. Run it again after a stop: finished shards are kept.
#include <filesystem>
#include <map>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/progress.h"
#include "comm/communicator.h"
#include "comm/rank_threads.h"
#include "config/command_line.h"
#include "preprocess/datasets/dataset.h"
#include "preprocess/shard_builder.h"
#include "preprocess/shard_directory.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// Which of the planned shards this process makes: those of its rank in its part.
struct Share {
  int64_t first = 0, stride = 1;
};

// Makes the missing ones of this process's shards. Returns how many, or nothing when stopped.
std::optional<int64_t> build_missing(const RunConfig& config, const std::vector<PlannedShard>& plan,
                                     const ShardDirectory& directory, const Share& share,
                                     int64_t num_threads, bool show_progress) {
  std::vector<const PlannedShard*> missing;
  int64_t num_tracks = 0;
  for (int64_t i = share.first; i < std::ssize(plan); i += share.stride) {
    const PlannedShard& shard = plan[static_cast<size_t>(i)];
    if (directory.has(shard)) continue;
    missing.push_back(&shard);
    num_tracks += std::ssize(shard.tracks);
  }
  if (missing.empty()) return 0;
  Progress progress("preprocessing", "tracks", num_tracks, show_progress);
  int64_t done = 0;
  const TrackProgress advance = [&](int64_t tracks) {
    progress.update(done += tracks);
    return !stop_requested();
  };
  for (const PlannedShard* shard : missing) {
    if (!build_shard(config.data.shards, *shard, config, num_threads, advance)) return std::nullopt;
    if (stop_requested()) return std::nullopt;
  }
  return std::ssize(missing);
}

void report(const Manifest& manifest) {
  std::map<std::string, ManifestEntry> totals;
  for (const ManifestEntry& entry : manifest.shards) {
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
  for (const SkippedTrack& skipped : manifest.skipped) {
    log_info("  skipped {}: {}", skipped.track, skipped.reason);
  }
}

std::vector<SkippedTrack> bad_tracks(const TrackList& list, const RunConfig& config) {
  if (!list.bad.empty() && config.data.on_bad_track == OnBadTrack::fail) {
    fail("preprocess", "{}{}", list.bad[0].reason,
         list.bad.size() > 1 ? fmt::format(" (and {} more such tracks)", list.bad.size() - 1) : "");
  }
  std::vector<SkippedTrack> skipped;
  for (const BadTrack& bad : list.bad) skipped.push_back({bad.name, bad.split, bad.reason});
  return skipped;
}

int preprocess(const CommandLine& line, Communicator& host) {
  const RunConfig& config = line.config;
  set_log_rank(host.rank(), host.world_size());
  TrackList list = find_tracks(config.data.datasets);
  std::vector<SkippedTrack> found_bad = bad_tracks(list, config);
  const std::vector<PlannedShard> plan = plan_shards(config, std::move(list.tracks));
  const ShardDirectory directory(config, plan, std::move(found_bad));
  fs::create_directories(config.data.shards);
  if (host.is_rank_zero()) {
    sweep_stale_temporaries(config.data.shards);
    if (line.rebuild) directory.remove_outdated();
    directory.require_consistent();
  }
  host.barrier();

  const Share share{line.part_index * host.world_size() + host.rank(),
                    line.num_parts * host.world_size()};
  const std::optional<int64_t> num_built =
      build_missing(config, plan, directory, share, threads_per_rank(host), host.is_rank_zero());
  if (!num_built) {
    log_info("stopped on request; run the same command to continue");
    return kExitStopped;
  }
  // Whoever ends last finds every shard there, so nobody has to wait for another.
  Manifest manifest;
  if (directory.complete(manifest)) {
    log_info("{}: {} shards, {} of them built now", config.data.shards, plan.size(), *num_built);
    report(manifest);
  } else {
    log_info("{} shards built; the process that builds the last one writes the manifest",
             *num_built);
  }
  return kExitDone;
}

int run(int argc, char** argv) {
  CommandLineSpec spec;
  spec.program = "cocola_preprocess";
  spec.summary =
      "Turns tracks into HDF5 shards and a manifest; continues where an earlier run stopped. "
      "Alone,\n"
      "under mpirun or srun, and in parts of a job array.";
  spec.takes_part = true;
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  if (line.config.data.datasets.empty()) {
    fail_usage("data.datasets", "is empty; name the data sets to prepare");
  }
  // Ranks wait for rank 0 once, while it compares what is there with the plan.
  const auto host = open_host_world({.timeout_seconds = 86'400.0});
  const int status = run_program("cocola_preprocess", [&] { return preprocess(line, *host); });
  if (status != kExitDone && status != kExitStopped) abort_world(status);
  return status;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  cocola::install_stop_signals();
  return cocola::run_program("cocola_preprocess", [&] { return cocola::run(argc, argv); });
}
