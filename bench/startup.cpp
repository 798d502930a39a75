// How long people wait before something happens: from the start of cocola_score to a score, for the
// index of a million windows, and from the start of cocola_ddp to its first step.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <future>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "features/feature_settings.h"
#include "model/model_file.h"
#include "support/child.h"
#include "support/peer_process.h"
#include "support/report.h"
#include "support/sound_file.h"
#include "support/synthetic_shards.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr int kRate = 44'100, kSeconds = 30;
const std::string kPeer = COCOLA_BENCH_FOLDER "/startup_peer.py";
// 10,000 tracks and a million windows; windows begin at each sample, so that little audio is
// needed.
constexpr bench::SyntheticShards kManyTracks{.num_shards = 625,
                                             .tracks_per_shard = 16,
                                             .windows_per_track = 100,
                                             .num_stems = 2,
                                             .window_samples = 8000,
                                             .hop_samples = 1};

// The published network with random weights.
void write_random_model(const fs::path& path) {
  const FeatureConfig features;
  ModelCard card;
  card.feature_kind = to_string(features.kind);
  card.feature_description = features.description();
  card.feature_fingerprint = features.fingerprint();
  card.feature_settings = feature_settings_to_json(features);
  card.config_yaml = "";
  card.version = "bench";
  write_model_file(path, CocolaModel(ModelConfig{}, 2, 1), card);
}

// Beats of two tones a second, stereo.
void write_music(const fs::path& path, double cycles_per_sample) {
  const std::vector<float> tone = testing::tone(int64_t{kRate} * kSeconds, cycles_per_sample, 0.3);
  std::vector<float> frames;
  for (size_t i = 0; i < tone.size(); ++i) {
    const double beat = static_cast<double>(i % (kRate / 2));
    const float sample = tone[i] * static_cast<float>(std::exp(-beat / 8000.0));
    frames.insert(frames.end(), {sample, 0.5f * sample});
  }
  testing::write_sound(path, frames, kRate, 2);
}

// What both sides print: the score of the pair.
double score_in(const std::string& json) {
  return parse_json_strictly(json, "a score").at("scores").at(0).at("both").get<double>();
}

std::string last_line(std::string text) {
  text.erase(text.find_last_not_of('\n') + 1);
  return text.substr(text.rfind('\n') + 1);
}

std::vector<bench::Measurement> measure_score(const bench::Arguments& arguments) {
  const testing::TemporaryDirectory folder;
  const std::vector<std::string> files = {folder / "model.safetensors", folder / "a.wav",
                                          folder / "b.wav"};
  write_random_model(files[0]);
  write_music(files[1], 0.005);
  write_music(files[2], 0.0075);
  std::vector<double> wall, core, peer_wall, peer_core;
  std::string missing;
  for (int round = 0; round <= arguments.choose(1, 5); ++round) {
    const bench::Child ours = bench::run_to_success(bench::on_one_core(
        {COCOLA_BIN "/cocola_score", "--json", "--model", files[0], files[1], files[2]}));
    wall.push_back(ours.wall_seconds);
    core.push_back(ours.core_seconds);
    if (!missing.empty()) continue;
    const bench::Child peer = bench::run_child(
        bench::on_one_core({arguments.python, kPeer, "score", files[0], files[1], files[2]}));
    if (peer.result.status != 0) {
      missing = last_line(peer.result.output.empty() ? peer.result.errors : peer.result.output);
      continue;
    }
    const double score = score_in(ours.result.output), expected = score_in(peer.result.output);
    if (std::abs(score - expected) > 1e-2 * std::max(1.0, std::abs(expected))) {
      fail("bench", "cocola_score says {}, the peer {}: they do not do the same", score, expected);
    }
    peer_wall.push_back(peer.wall_seconds);
    peer_core.push_back(peer.core_seconds);
  }
  const auto row = [&](const char* name, const char* what, const std::vector<double>& ours,
                       const std::vector<double>& peer) {
    bench::Measurement m{.name = name,
                         .what = what,
                         .unit = "s",
                         .ours = bench::typical(ours),
                         .better = bench::Better::less,
                         .missing_peer = missing};
    if (missing.empty()) m.peer = bench::typical(peer);
    return m;
  };
  return {row("score_start", "cocola_score, two files of 30 s, one core", wall, peer_wall),
          row("score_start_cpu", "  its processor time", core, peer_core)};
}

bench::Measurement measure_index(const bench::Arguments& arguments, const fs::path& shards) {
  const bench::Peer peer = bench::open_peer({arguments.python, kPeer, "index", shards.string()});
  std::vector<double> ours, theirs;
  for (int round = 0; round <= arguments.choose(2, 5); ++round) {
    ours.push_back(bench::seconds_of([&] { const ShardSet set(shards, "train", false); }));
    if (peer.process) theirs.push_back(std::stod(peer.process->ask("open")));
  }
  bench::Measurement row{.name = "index_open",
                         .what = "opening 1,000,000 windows in 625 shards (peer: h5py)",
                         .unit = "s",
                         .ours = bench::typical(ours),
                         .better = bench::Better::less,
                         .missing_peer = peer.missing};
  if (peer.process) row.peer = bench::typical(theirs);
  return row;
}

bool has_trained(const fs::path& log) {
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);) {
    if (line.find("\"train\"") != std::string::npos) return true;
  }
  return false;
}

// Seconds from the start of the program to the line of its first step.
double seconds_to_first_step(const fs::path& folder, const fs::path& shards,
                             const std::string& experiment) {
  const fs::path log = folder / "runs" / experiment / "log.jsonl";
  std::future<bench::Child> run;
  const double seconds = bench::seconds_of([&] {
    run = std::async(std::launch::async, [&] {
      return bench::run_to_success(
          {"env", "-C", folder, COCOLA_BIN "/cocola_ddp", "--config", COCOLA_CONFIGS "/tiny.yaml",
           "--set", "experiment=" + experiment, "--set", "data.shards=" + shards.string(), "--set",
           "data.window_seconds=0.5", "--set", "training.max_steps=1", "--set",
           "training.recompute_statistics=0"});
    });
    while (!has_trained(log) &&
           run.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) {
    }
  });
  run.get();
  if (!has_trained(log)) fail("bench", "cocola_ddp left no step in {}", log.string());
  return seconds;
}

bench::Measurement measure_first_step(const bench::Arguments& arguments, const fs::path& folder,
                                      const fs::path& shards) {
  std::vector<double> seconds;
  for (int round = 0; round <= arguments.choose(1, 3); ++round) {
    seconds.push_back(seconds_to_first_step(folder, shards, fmt::format("round{}", round)));
  }
  return {.name = "ddp_start",
          .what = "cocola_ddp to its first step, 10,000 tracks, shards verified",
          .unit = "s",
          .ours = bench::typical(seconds),
          .better = bench::Better::less};
}

int measure(const bench::Arguments& arguments) {
  std::vector<bench::Measurement> rows = measure_score(arguments);
  const testing::TemporaryDirectory folder;
  const fs::path shards = folder / "shards";
  fs::create_directory(shards);
  bench::write_synthetic_shards(shards, kManyTracks, {});
  rows.push_back(measure_index(arguments, shards));
  rows.push_back(measure_first_step(arguments, folder.path(), shards));
  bench::report(rows, arguments);
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  return cocola::run_program(
      "bench_startup", [&] { return cocola::measure(cocola::bench::parse_arguments(argc, argv)); });
}
