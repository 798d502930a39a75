// A training step of the published network beside PyTorch's on the CPU, and what it costs to train
// with more pairs than fit into memory.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/process.h"
#include "support/peer_process.h"
#include "support/report.h"
#include "support/trainee.h"

namespace cocola {
namespace {

constexpr int64_t kPairs = 16;
constexpr FeatureShape kFiveSeconds{2, 64, 501}, kOneSecond{2, 64, 101};

TrainingConfig config_of(int64_t pairs_per_step, int64_t pairs_per_group, Precision precision) {
  TrainingConfig config;
  config.pairs_per_step = pairs_per_step;
  config.pairs_per_group = pairs_per_group;
  config.groups_in_memory = 1;
  config.precision = precision;
  return config;
}

bench::Measurement row_of(const char* name, const std::string& what, double our_seconds,
                          double pairs) {
  return {.name = name, .what = what, .unit = "pairs/s", .ours = pairs / our_seconds};
}

void add_peer(bench::Measurement& row, const bench::Peer& peer, double seconds, double pairs) {
  row.missing_peer = peer.missing;
  if (peer.process) row.peer = pairs / seconds;
}

double ask_seconds(const bench::Peer& peer, int64_t pairs) {
  if (!peer.process) return 0.0;
  return std::stod(peer.process->ask(fmt::format("{} {}", pairs, kFiveSeconds.frames)));
}

// Ours in both precisions beside both peers, in turns.
std::vector<bench::Measurement> measure_steps(const std::string& python, int rounds) {
  const std::string script = COCOLA_BENCH_FOLDER "/step_peer.py";
  const bench::Peer plain = bench::open_peer({python, script, "plain"});
  // The allocator as tune_memory_allocator() sets it.
  const bench::Peer best =
      bench::open_peer({"env", "MALLOC_MMAP_MAX_=0", "MALLOC_TRIM_THRESHOLD_=68719476736",
                        "MALLOC_TOP_PAD_=67108864", python, script, "best"});
  bench::Trainee fp32({}, config_of(kPairs, kPairs, Precision::fp32));
  bench::Trainee bf16({}, config_of(kPairs, kPairs, Precision::bf16));
  const Batch batch = bench::random_batch(kPairs, kFiveSeconds);
  std::vector<double> ours32, ours16, peer_plain, peer_best;
  for (int round = 0; round <= rounds; ++round) {
    ours32.push_back(fp32.seconds_of_step(batch));
    ours16.push_back(bf16.seconds_of_step(batch));
    peer_plain.push_back(ask_seconds(plain, kPairs));
    peer_best.push_back(ask_seconds(best, kPairs));
  }
  const double pairs = static_cast<double>(kPairs);
  const double seconds32 = bench::typical(ours32), seconds16 = bench::typical(ours16);
  std::vector<bench::Measurement> rows = {
      row_of("cpu_step", "fp32 (peer: PyTorch as it comes)", seconds32, pairs),
      row_of("cpu_step_bf16", "bf16 (peer: the same)", seconds16, pairs),
      row_of("cpu_step_best", "faster of both (peer: channels_last, bf16, tuned malloc)",
             std::min(seconds32, seconds16), pairs)};
  add_peer(rows[0], plain, bench::typical(peer_plain), pairs);
  add_peer(rows[1], plain, bench::typical(peer_plain), pairs);
  add_peer(rows[2], best, bench::typical(peer_best), pairs);
  return rows;
}

// Pairs per second of one large step in pieces; the peer is our own step of one piece.
bench::Measurement measure_grad_cache(int64_t large_step, int small_steps) {
  bench::Trainee small({}, config_of(kPairs, kPairs, Precision::fp32));
  bench::Trainee large({}, config_of(large_step, kPairs, Precision::fp32));
  const Batch few = bench::random_batch(kPairs, kOneSecond),
              many = bench::random_batch(large_step, kOneSecond);
  small.seconds_of_step(few);
  double alone = 0.0;
  const auto run_small = [&] {
    for (int i = 0; i < small_steps; ++i) alone += small.seconds_of_step(few);
  };
  run_small();
  const double seconds = large.seconds_of_step(many);
  run_small();
  bench::Measurement row =
      row_of("grad_cache",
             fmt::format("K = {} with {} pairs in memory, 1 s (peer: our K = {})", large_step,
                         kPairs, kPairs),
             seconds, static_cast<double>(large_step));
  row.peer = 2.0 * small_steps * static_cast<double>(kPairs) / alone;
  return row;
}

int measure(const bench::Arguments& arguments) {
  const int rounds = arguments.choose(2, 5);
  std::vector<bench::Measurement> rows = measure_steps(arguments.python, rounds);
  rows.push_back(measure_grad_cache(arguments.choose<int64_t>(512, 4096), arguments.choose(4, 16)));
  fmt::print("Training steps of {} pairs, {} threads, median of {} rounds.\n", kPairs,
             at::get_num_threads(), rounds);
  bench::report(rows, arguments);
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  return cocola::run_program("bench_step", [&] {
    cocola::tune_memory_allocator();
    return cocola::measure(cocola::bench::parse_arguments(argc, argv));
  });
}
