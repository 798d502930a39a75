// How fast training pairs can be had: precomputed ones at random, beside gzip HDF5 through h5py,
// and fresh ones from stems.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/philox.h"
#include "base/process.h"
#include "batches/pair_source.h"
#include "shards/shard_writer.h"
#include "stems/submix.h"
#include "support/peer_process.h"
#include "support/report.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kNumWindows = 128, kNumStems = 4;
constexpr int64_t kWindowSamples = 80'000, kHopSamples = 40'000;
constexpr float kGain = 1.0f / 32767.0f;
constexpr int kRounds = 5;

// Decaying notes over a little noise: gzip meets levels about as regular as those of music.
std::vector<int16_t> play_stem(int64_t stem) {
  constexpr int64_t kNoteSamples = 4000;
  PhiloxStream random(1, DrawPurpose::bootstrap, 0, static_cast<uint64_t>(stem), 0);
  std::vector<int16_t> samples;
  double step = 0.0;
  for (int64_t i = 0; i < kWindowSamples + (kNumWindows - 1) * kHopSamples; ++i) {
    const int64_t at = i % kNoteSamples;
    if (at == 0) step = 0.03 * std::exp2(static_cast<double>(random.next_below(36)) / 12.0);
    const double decay = std::exp(-static_cast<double>(at) / 1500.0);
    const double note = std::sin(step * static_cast<double>(at)) +
                        0.5 * std::sin(2.0 * step * static_cast<double>(at));
    const double hiss = 0.01 * static_cast<double>(random.next_normal());
    samples.push_back(static_cast<int16_t>(4000.0 * (decay * note + hiss)));
  }
  return samples;
}

// One shard with stems and one precomputed pair a window; returns its path.
fs::path write_shards(const fs::path& folder, const FeatureConfig& features) {
  const FeatureShape shape = features.shape(kWindowSamples);
  const ShardSettings settings{.sample_rate_hz = features.sample_rate_hz,
                               .window_samples = kWindowSamples,
                               .pairs_per_window = 1,
                               .has_stems = true,
                               .channels = shape.channels,
                               .mel_bins = shape.mel_bins,
                               .frames = shape.frames,
                               .feature_kind = "hps",
                               .feature_fingerprint = features.fingerprint(),
                               .feature_description = features.description(),
                               .submix_seed = 1};
  std::vector<std::vector<int16_t>> stems;
  for (int64_t s = 0; s < kNumStems; ++s) stems.push_back(play_stem(s));
  const ShardTrack track{.name = "bench",
                         .stem_names = {"a", "b", "c", "d"},
                         .num_samples = static_cast<int64_t>(stems[0].size()),
                         .gain = kGain};
  std::vector<ShardWindow> windows;
  for (int64_t w = 0; w < kNumWindows; ++w) {
    windows.push_back({.track = 0, .start_sample = w * kHopSamples, .audible = {1, 1, 1, 1}});
  }
  const fs::path path = folder / "train.h5";
  ShardWriter writer(path, settings, "train", {track}, windows, "{}");
  for (int64_t s = 0; s < kNumStems; ++s) writer.write_stem(0, s, stems[static_cast<size_t>(s)]);

  SubmixFeatures maker(features);
  std::vector<float> views[2];
  for (int64_t w = 0; w < kNumWindows; ++w) {
    const int64_t start = windows[static_cast<size_t>(w)].start_sample;
    const SubmixChoice choice = choose_submixes(windows[static_cast<size_t>(w)].audible, 1, 0,
                                                window_key(track.name, start));
    for (int which = 0; which < 2; ++which) {
      maker.begin(kWindowSamples);
      for (const int stem : which == 0 ? choice.anchor : choice.positive) {
        maker.add(std::span(stems[static_cast<size_t>(stem)])
                      .subspan(static_cast<size_t>(start), kWindowSamples),
                  kGain);
      }
      views[which].resize(static_cast<size_t>(shape.size()));
      maker.extract(views[which]);
    }
    writer.write_features(w, 0, views[0], views[1]);
  }
  const std::string digest = writer.finish();
  write_manifest(folder, {.settings = settings,
                          .config_yaml = "",
                          .version = "bench",
                          .shards = {{.file = "train.h5",
                                      .split = "train",
                                      .digest = digest,
                                      .num_bytes = static_cast<int64_t>(fs::file_size(path)),
                                      .num_tracks = 1,
                                      .num_windows = kNumWindows}}});
  return path;
}

// Pairs per second that num_threads threads make of random windows.
double pairs_per_second(const std::function<std::unique_ptr<PairSource>()>& make_source,
                        const FeatureShape& shape, int64_t num_threads, int64_t pairs_per_thread,
                        uint64_t seed) {
  const auto work = [&](int64_t thread) {
    const auto source = make_source();
    std::vector<float> anchor(static_cast<size_t>(shape.size())), positive(anchor.size());
    PhiloxStream random(seed, DrawPurpose::bootstrap, 0, static_cast<uint64_t>(thread), 0);
    for (int64_t i = 0; i < pairs_per_thread; ++i) {
      source->make_pair(random.next_below(kNumWindows), 0, anchor, positive);
    }
  };
  const double seconds = bench::seconds_of([&] {
    std::vector<std::jthread> threads;
    for (int64_t t = 0; t < num_threads; ++t) threads.emplace_back(work, t);
  });
  return static_cast<double>(num_threads * pairs_per_thread) / seconds;
}

int measure(const bench::Arguments& arguments) {
  const testing::TemporaryDirectory folder;
  const FeatureConfig features;
  const FeatureShape shape = features.shape(kWindowSamples);
  const fs::path shard = write_shards(folder.path(), features);
  const ShardSet shards(folder.path(), "train", true);
  const auto stored = [&] {
    return make_pair_source(SourceKind::features, shards, features, 0.0, 1);
  };
  const auto fresh = [&] { return make_pair_source(SourceKind::stems, shards, features, 1e-3, 1); };
  bench::Peer peer = bench::open_peer(
      {arguments.python, COCOLA_BENCH_FOLDER "/loader_peer.py", shard, folder.path() / "gzip.h5"});

  std::vector<double> one, two, from_stems, gzip;
  for (int round = 0; round <= kRounds; ++round) {
    constexpr int64_t kPeerReads = 100;
    const auto seed = static_cast<uint64_t>(round);
    one.push_back(pairs_per_second(stored, shape, 1, 4000, seed));
    if (peer.process) {
      const std::string answer = peer.process->ask(fmt::format("{} {}", kPeerReads, round));
      gzip.push_back(static_cast<double>(kPeerReads) / std::stod(answer));
    }
    two.push_back(pairs_per_second(stored, shape, 2, 4000, seed));
    from_stems.push_back(pairs_per_second(fresh, shape, 1, 40, seed));
  }
  // The first round warms caches up.
  const auto typical = [](const std::vector<double>& rounds) {
    return bench::median({rounds.begin() + 1, rounds.end()});
  };
  const auto beside_peer = [&](const char* name, const char* what, double ours) {
    bench::Measurement row{.name = name,
                           .what = what,
                           .unit = "pairs/s per thread",
                           .ours = ours,
                           .missing_peer = peer.missing};
    if (peer.process) row.peer = typical(gzip);
    return row;
  };
  bench::report(
      {beside_peer("loader", "precomputed pairs, 1 thread (peer: gzip, h5py)", typical(one)),
       beside_peer("loader_two_threads", "precomputed pairs, each of 2 threads", typical(two) / 2),
       {.name = "loader_stems",
        .what = "fresh pairs from stems with noise, 1 thread",
        .unit = "pairs/s per thread",
        .ours = typical(from_stems)}},
      arguments);
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  return cocola::run_program("bench_loader", [&] {
    cocola::tune_memory_allocator();
    return cocola::measure(cocola::bench::parse_arguments(argc, argv));
  });
}
