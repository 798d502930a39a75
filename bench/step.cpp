// A training step of the published network on the CPU beside PyTorch's, and what it costs to train
// with more pairs than fit into memory.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/process.h"
#include "comm/communicator.h"
#include "support/peer_process.h"
#include "support/report.h"
#include "training/train_step.h"

namespace cocola {
namespace {

constexpr int64_t kPairs = 16;
constexpr int64_t kFrames = 501;  // 5 s
constexpr int kRounds = 5;
// GradCache: a large step with as many pairs in memory as a small one, windows of 1 s.
constexpr int64_t kLargeStep = 4096;
constexpr int64_t kShortFrames = 101;
constexpr int kSmallSteps = 16;

Batch random_batch(int64_t num_pairs, int64_t frames) {
  Batch batch;
  for (int64_t i = 0; i < num_pairs; ++i) batch.window_ids.push_back(i);
  batch.anchors = at::randn({num_pairs, 2, 64, frames}).mul_(10).sub_(40);
  batch.positives = at::randn({num_pairs, 2, 64, frames}).mul_(10).sub_(40);
  return batch;
}

// A model with what trains it.
class OurSide {
 public:
  OurSide(int64_t pairs_per_step, Precision precision)
      : model_(ModelConfig{}, 2, 1), flat_(model_.state()), adam_(flat_.values()) {
    config_.pairs_per_step = pairs_per_step;
    config_.pairs_per_group = kPairs;
    config_.groups_in_memory = 1;
    config_.precision = precision;
  }

  double seconds_of_step(const Batch& batch) {
    return bench::seconds_of(
        [&] { train_step(model_, flat_, adam_, batch, config_, 1e-4, {}, *world_); });
  }

 private:
  TrainingConfig config_;
  CocolaModel model_;
  FlatParameters flat_;
  Adam adam_;
  std::unique_ptr<Communicator> world_ = open_solo_world();
};

bench::Measurement row_of(const char* name, const std::string& what, double our_seconds,
                          double pairs) {
  return {.name = name, .what = what, .unit = "pairs/s", .ours = pairs / our_seconds};
}

void add_peer(bench::Measurement& row, const bench::Peer& peer,
              const std::vector<double>& seconds) {
  row.missing_peer = peer.missing;
  if (peer.process) row.peer = static_cast<double>(kPairs) / bench::median(seconds);
}

// Ours in both precisions beside both peers, in turns.
std::vector<bench::Measurement> measure_steps(const std::string& python) {
  const std::string script = COCOLA_BENCH_FOLDER "/step_peer.py";
  bench::Peer plain = bench::open_peer({python, script, "plain"});
  // The allocator as tune_memory_allocator() sets it.
  bench::Peer best =
      bench::open_peer({"env", "MALLOC_MMAP_MAX_=0", "MALLOC_TRIM_THRESHOLD_=68719476736",
                        "MALLOC_TOP_PAD_=67108864", python, script, "best"});
  OurSide fp32(kPairs, Precision::fp32), bf16(kPairs, Precision::bf16);
  const Batch batch = random_batch(kPairs, kFrames);
  const std::string size = fmt::format("{} {}", kPairs, kFrames);
  std::vector<double> ours32, ours16, peer_plain, peer_best;
  for (int round = 0; round <= kRounds; ++round) {
    const double times[2] = {fp32.seconds_of_step(batch), bf16.seconds_of_step(batch)};
    const double theirs[2] = {plain.process ? std::stod(plain.process->ask(size)) : 0.0,
                              best.process ? std::stod(best.process->ask(size)) : 0.0};
    if (round == 0) continue;  // warms caches up
    ours32.push_back(times[0]);
    ours16.push_back(times[1]);
    peer_plain.push_back(theirs[0]);
    peer_best.push_back(theirs[1]);
  }
  const double pairs = static_cast<double>(kPairs);
  const double better = std::min(bench::median(ours32), bench::median(ours16));
  std::vector<bench::Measurement> rows = {
      row_of("cpu_step", "fp32 (peer: PyTorch as it comes)", bench::median(ours32), pairs),
      row_of("cpu_step_bf16", "bf16 (peer: the same)", bench::median(ours16), pairs),
      row_of("cpu_step_best", "faster of both (peer: channels_last, bf16, tuned malloc)", better,
             pairs)};
  add_peer(rows[0], plain, peer_plain);
  add_peer(rows[1], plain, peer_plain);
  add_peer(rows[2], best, peer_best);
  return rows;
}

// Pairs per second of one large step in pieces; the peer is our own step of one piece.
bench::Measurement measure_grad_cache() {
  OurSide small(kPairs, Precision::fp32), large(kLargeStep, Precision::fp32);
  const Batch few = random_batch(kPairs, kShortFrames),
              many = random_batch(kLargeStep, kShortFrames);
  small.seconds_of_step(few);
  double alone = 0.0;
  const auto run_small = [&] {
    for (int i = 0; i < kSmallSteps; ++i) alone += small.seconds_of_step(few);
  };
  run_small();
  const double seconds = large.seconds_of_step(many);
  run_small();
  bench::Measurement row =
      row_of("grad_cache",
             fmt::format("K = {} with {} pairs in memory, 1 s (peer: our K = {})", kLargeStep,
                         kPairs, kPairs),
             seconds, static_cast<double>(kLargeStep));
  row.peer = 2.0 * kSmallSteps * static_cast<double>(kPairs) / alone;
  return row;
}

int measure(const bench::Arguments& arguments) {
  std::vector<bench::Measurement> rows = measure_steps(arguments.python);
  rows.push_back(measure_grad_cache());
  fmt::print("Training steps of {} pairs, {} threads, median of {} rounds.\n", kPairs,
             at::get_num_threads(), kRounds);
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
