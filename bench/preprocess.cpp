// What preprocessing costs: hours of audio per minute of one core, and peak memory, from stereo
// files at 44.1 kHz to one precomputed HPS pair a window; beside the same work done with librosa
// and h5py.
#include <fmt/format.h>
#include <sys/resource.h>

#include <cmath>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/process.h"
#include "support/peer_process.h"
#include "support/python.h"
#include "support/report.h"
#include "support/sound_file.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr int kRate = 44'100, kSeconds = 120, kNumStems = 4;
constexpr double kAudioHours = kNumStems * kSeconds / 3600.0;

struct Cost {
  double core_minutes = 0.0;
  double peak_mb = 0.0;
};

// Chords that change every half second, each stem in its own register, over a little noise.
void write_track(const fs::path& directory) {
  fs::create_directories(directory);
  for (int stem = 0; stem < kNumStems; ++stem) {
    std::vector<float> frames;
    uint32_t noise = 1;
    for (int i = 0; i < kRate * kSeconds; ++i) {
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
  const auto result = testing::run_process(
      {"taskset", "-c", "0", COCOLA_BIN "/cocola_preprocess", "--config", folder / "bench.yaml"});
  if (result.status != 0) fail("bench", "cocola_preprocess failed: {}", result.errors);
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return {(seconds(usage.ru_utime) + seconds(usage.ru_stime)) / 60.0,
          static_cast<double>(usage.ru_maxrss) / 1024.0};
}

int measure(const bench::Arguments& arguments) {
  const testing::TemporaryDirectory folder;
  write_track(folder / "tracks/song");
  const Cost ours = run_ours(folder.path());
  bench::Measurement rate{"preprocess", "stem audio per minute of a core (peer: librosa, h5py)",
                          "hours", kAudioHours / ours.core_minutes};
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
    rate.peer = kAudioHours / theirs.core_minutes;
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
