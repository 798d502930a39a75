// How fast training pairs can be had: precomputed ones at random, beside gzip HDF5 through h5py,
// with the files in the page cache and without, and fresh ones from stems, as features and as the
// stems that a GPU mixes.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/philox.h"
#include "base/process.h"
#include "batches/batch_maker.h"
#include "support/page_cache.h"
#include "support/peer_process.h"
#include "support/report.h"
#include "support/synthetic_shards.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kNumWindows = 128, kWindowSamples = 80'000;

// Pairs per second that num_threads threads make of random windows.
double pairs_per_second(const std::function<std::unique_ptr<PairSource>()>& make_source,
                        int64_t view_size, int64_t num_threads, int64_t pairs_per_thread,
                        uint64_t seed) {
  const auto work = [&](int64_t thread) {
    const auto source = make_source();
    std::vector<float> anchor(static_cast<size_t>(view_size)), positive(anchor.size());
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

// As a loader's thread packs them.
double packed_per_second(const ShardSet& shards, const FeatureConfig& features, uint64_t seed) {
  const auto maker = make_stem_maker(open_stems(shards, features, seed));
  Batch batch;
  batch.epoch = static_cast<int64_t>(seed);
  for (int64_t window = 0; window < kNumWindows; ++window) batch.window_ids.push_back(window);
  maker->lay_out(batch);
  const auto read = [&] {
    for (int64_t pair = 0; pair < kNumWindows; ++pair) maker->make_pair(batch, pair);
  };
  read();  // takes the memory, which loaders use again
  return kNumWindows / bench::seconds_of(read);
}

// Without reading: the arithmetic of one window's pair in many epochs.
double mixed_per_second(const ShardSet& shards, const FeatureConfig& features, uint64_t seed) {
  constexpr int64_t kPairs = 400;
  const auto stems = open_stems(shards, features, seed);
  std::vector<std::vector<int16_t>> samples(4, std::vector<int16_t>(kWindowSamples));
  for (int stem = 0; stem < 4; ++stem) stems->read(0, stem, samples[static_cast<size_t>(stem)]);
  std::vector<float> mix(kWindowSamples);
  const auto add = [&](const std::vector<int>& chosen, float gain) {
    std::ranges::fill(mix, 0.0f);
    for (const int stem : chosen) add_stem(samples[static_cast<size_t>(stem)], gain, mix);
  };
  return kPairs / bench::seconds_of([&] {
           for (int64_t epoch = 0; epoch < kPairs; ++epoch) {
             const PairStems pair = stems->stems_of(0, epoch);
             add(pair.choice.anchor, pair.gain);
             add(pair.choice.positive, pair.gain);
             add_noise(mix, 1e-3, seed, epoch, pair.key);
           }
         });
}

// The peer's own rate of random pairs.
double ask_peer(const bench::Peer& peer, int64_t count, int64_t seed) {
  return static_cast<double>(count) /
         std::stod(peer.process->ask(fmt::format("{} {}", count, seed)));
}

struct ColdRates {
  std::vector<double> ours, peer;
  double kept = 0.0;  // the largest share of a file that stayed in the page cache

  bench::Measurement row(const std::string& missing_peer) const {
    bench::Measurement row{.name = "loader_cold",
                           .what = "the same, files read from the disk (peer: gzip, h5py)",
                           .unit = "pairs/s per thread",
                           .ours = bench::typical(ours),
                           .missing_peer = missing_peer};
    if (!peer.empty()) row.peer = bench::typical(peer);
    // Files of a file system in memory are never cold.
    if (kept > 0.01) row.what += fmt::format(", {:.0f} % stayed in the page cache", 100 * kept);
    return row;
  }
};

int measure(const bench::Arguments& arguments) {
  const testing::TemporaryDirectory folder;
  const FeatureConfig features;
  const int64_t size = features.shape(kWindowSamples).size();
  const Manifest manifest = bench::write_synthetic_shards(
      folder.path(),
      {.windows_per_track = kNumWindows, .window_samples = kWindowSamples, .store_features = true},
      features);
  const fs::path shard = folder / manifest.shards[0].file;
  const ShardSet shards(folder.path(), "train", true);
  const auto stored = [&] {
    return make_pair_source(SourceKind::features, shards, features, 0.0, 1);
  };
  const auto fresh = [&] { return make_pair_source(SourceKind::stems, shards, features, 1e-3, 1); };
  bench::Peer peer = bench::open_peer(
      {arguments.python, COCOLA_BENCH_FOLDER "/loader_peer.py", shard, folder / "gzip.h5"});

  std::vector<double> one, two, from_stems, packed, mixed, gzip;
  ColdRates cold;
  const int rounds = arguments.choose(2, 5);
  for (int round = 0; round <= rounds; ++round) {
    constexpr int64_t kPeerReads = 100;
    const auto seed = static_cast<uint64_t>(round);
    one.push_back(pairs_per_second(stored, size, 1, 4000, seed));
    if (peer.process) {
      gzip.push_back(ask_peer(peer, kPeerReads, round));
      cold.kept = std::max(cold.kept, bench::evict(folder / "gzip.h5"));
      cold.peer.push_back(ask_peer(peer, kNumWindows, round));
    }
    cold.kept = std::max(cold.kept, bench::evict(shard));
    cold.ours.push_back(pairs_per_second(stored, size, 1, kNumWindows, seed));
    two.push_back(pairs_per_second(stored, size, 2, 4000, seed));
    from_stems.push_back(pairs_per_second(fresh, size, 1, 40, seed));
    packed.push_back(packed_per_second(shards, features, seed));
    mixed.push_back(mixed_per_second(shards, features, seed));
  }
  const auto beside_peer = [&](const char* name, const char* what, double ours) {
    bench::Measurement row{.name = name,
                           .what = what,
                           .unit = "pairs/s per thread",
                           .ours = ours,
                           .missing_peer = peer.missing};
    if (peer.process) row.peer = bench::typical(gzip);
    return row;
  };
  bench::report(
      {beside_peer("loader", "precomputed pairs, 1 thread (peer: gzip, h5py)", bench::typical(one)),
       beside_peer("loader_two_threads", "precomputed pairs, each of 2 threads",
                   bench::typical(two) / 2),
       cold.row(peer.missing),
       {.name = "loader_stems",
        .what = "fresh pairs from stems with noise, 1 thread",
        .unit = "pairs/s per thread",
        .ours = bench::typical(from_stems)},
       {.name = "loader_packed",
        .what = "stems of fresh pairs, unmixed, for features_on: device",
        .unit = "pairs/s per thread",
        .ours = bench::typical(packed)},
       {.name = "loader_mixing",
        .what = "mixing stems and adding noise alone, which a device then does",
        .unit = "pairs/s per thread",
        .ours = bench::typical(mixed)}},
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
