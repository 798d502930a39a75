// What preprocessing costs: hours of audio per minute of one core, and peak memory, from stereo
// files at 44.1 kHz to one precomputed HPS pair a window; beside the same work done with librosa
// and h5py.
#include <fmt/format.h>

#include <cmath>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/process.h"
#include "support/child.h"
#include "support/peer_process.h"
#include "support/report.h"
#include "support/sound_file.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr int kRate = 44'100, kNumStems = 4;

struct Cost {
  double core_minutes = 0.0;
  double peak_mb = 0.0;
};

// Chords that change every half second, each stem in its own register, over a little noise.
void write_track(const fs::path& directory, int seconds) {
  fs::create_directories(directory);
  for (int stem = 0; stem < kNumStems; ++stem) {
    std::vector<float> frames;
    uint32_t noise = 1;
    for (int i = 0; i < kRate * seconds; ++i) {
      const double beat = i % (kRate / 2), decay = std::exp(-beat / 8000.0);
      const double step = 0.02 * (stem + 1) * (1.0 + 0.2 * (i / (kRate / 2) % 5));
      noise = noise * 1664525u + 1013904223u;
      const double hiss = 1e-3 * (static_cast<double>(noise >> 8) / 8388608.0 - 1.0);
      const auto sample = static_cast<float>(0.2 * decay * std::sin(step * i) + hiss);
      frames.insert(frames.end(), {sample, 0.5f * sample});
    }
    testing::write_sound(directory / fmt::format("stem{}.wav", stem), frames, kRate, 2);
  }
}

// The program itself, start and all, on one core.
Cost run_ours(const fs::path& folder) {
  write_file_atomically(folder / "bench.yaml",
                        fmt::format("data:\n  datasets: [{{root: {0}/tracks, into: train}}]\n"
                                    "  shards: {0}/shards\n  store: [stems, features]\n",
                                    folder.string()));
  const bench::Child child = bench::run_to_success(
      bench::on_one_core({COCOLA_BIN "/cocola_preprocess", "--config", folder / "bench.yaml"}));
  return {child.core_seconds / 60.0, child.peak_mb};
}

int measure(const bench::Arguments& arguments) {
  const testing::TemporaryDirectory folder;
  const int seconds = arguments.choose(30, 120);
  const double hours = kNumStems * seconds / 3600.0;
  write_track(folder / "tracks/song", seconds);
  const Cost ours = run_ours(folder.path());
  bench::Measurement rate{"preprocess", "stem audio per minute of a core (peer: librosa, h5py)",
                          "hours", hours / ours.core_minutes};
  bench::Measurement memory{"preprocess_memory", "peak memory", "MB", ours.peak_mb};
  memory.better = bench::Better::less;
  const bench::Peer peer =
      bench::open_peer({arguments.python, COCOLA_BENCH_FOLDER "/preprocess_peer.py",
                        folder / "tracks/song", folder / "peer.h5"});
  rate.missing_peer = memory.missing_peer = peer.missing;
  if (peer.process) {
    std::istringstream answer(peer.process->ask("go"));
    Cost theirs;
    answer >> theirs.core_minutes >> theirs.peak_mb;
    rate.peer = hours / theirs.core_minutes;
    memory.peer = theirs.peak_mb;
  }
  bench::report({rate, memory}, arguments);
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  return cocola::run_program("bench_preprocess", [&] {
    return cocola::measure(cocola::bench::parse_arguments(argc, argv));
  });
}
