// Time and memory of the contrastive loss with its gradients for large steps, beside the whole
// matrix with autograd in PyTorch, and between two ranks beside torch.distributed.
#include "objective/contrastive_loss.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>

#include <sstream>

#include "base/error.h"
#include "base/process.h"
#include "support/memory.h"
#include "support/mirrored_world.h"
#include "support/peer_process.h"
#include "support/report.h"

namespace cocola {
namespace {

constexpr int64_t kEmbeddingSize = 512;
constexpr int64_t kLargestStep = 65'536, kRanksOfLargest = 64;

// One size of a step on one process, timed in turns.
struct Size {
  int64_t num_pairs;
  int rounds, quick_rounds;
};
constexpr Size kSizes[] = {{1024, 9, 3}, {4096, 3, 1}, {16'384, 1, 0}};

struct Cost {
  std::vector<double> milliseconds, megabytes;  // by round
  void add(double seconds, double bytes) {
    milliseconds.push_back(1e3 * seconds);
    megabytes.push_back(1e-6 * bytes);
  }
};

// Of rank 0 in a world of num_pairs / num_own ranks.
void run_ours(int64_t num_own, int64_t num_pairs, Cost& cost) {
  const auto embeddings = [&] { return at::randn({num_own, kEmbeddingSize}).tanh_(); };
  const at::Tensor anchors = embeddings(), positives = embeddings();
  const SimilarityForm form{at::randn({kEmbeddingSize, kEmbeddingSize}).mul_(0.05)};
  testing::MirroredWorld world(num_pairs / num_own);
  double seconds = 0.0;
  const int64_t bytes = bench::peak_bytes_of([&] {
    seconds = bench::seconds_of([&] { contrastive_loss(anchors, positives, form, world); });
  });
  cost.add(seconds, static_cast<double>(bytes));
}

void run_peer(bench::PeerProcess& peer, int64_t num_pairs, Cost& cost) {
  std::istringstream answer(peer.ask(fmt::format("whole {}", num_pairs)));
  double seconds = 0, bytes = 0;
  if (!(answer >> seconds >> bytes)) fail("bench", "the peer answered \"{}\"", answer.str());
  cost.add(seconds, bytes);
}

// Time and memory side by side.
void add_rows(const std::string& name, const std::string& what, const Cost& ours, const Cost& peer,
              const std::string& missing, std::vector<bench::Measurement>& rows) {
  const auto row = [&](const std::string& suffix, const std::string& unit,
                       const std::vector<double> Cost::*values) {
    bench::Measurement m{.name = name + suffix,
                         .what = what + (suffix.empty() ? "" : ", peak memory"),
                         .unit = unit,
                         .ours = bench::median(ours.*values),
                         .better = bench::Better::less,
                         .missing_peer = missing};
    if (!(peer.*values).empty()) m.peer = bench::median(peer.*values);
    rows.push_back(m);
  };
  row("", "ms", &Cost::milliseconds);
  row("_memory", "MB", &Cost::megabytes);
}

void measure_one_process(const bench::Arguments& arguments, bench::Peer& peer,
                         std::vector<bench::Measurement>& rows) {
  Cost warm_up;
  run_ours(kSizes[0].num_pairs, kSizes[0].num_pairs, warm_up);
  if (peer.process) run_peer(*peer.process, kSizes[0].num_pairs, warm_up);
  for (const auto& [num_pairs, all_rounds, quick_rounds] : kSizes) {
    const int rounds = arguments.choose(quick_rounds, all_rounds);
    if (rounds == 0) continue;
    Cost ours, theirs;
    for (int round = 0; round < rounds; ++round) {
      run_ours(num_pairs, num_pairs, ours);
      if (peer.process) run_peer(*peer.process, num_pairs, theirs);
    }
    add_rows(fmt::format("loss_{}", num_pairs), fmt::format("K = {}, one process", num_pairs), ours,
             theirs, peer.missing, rows);
  }
  if (arguments.quick) return;
  Cost largest;
  run_ours(kLargestStep / kRanksOfLargest, kLargestStep, largest);
  add_rows(fmt::format("loss_{}_share", kLargestStep),
           fmt::format("K = {}, one of {} ranks", kLargestStep, kRanksOfLargest), largest, {},
           "the whole matrix takes 17 GB, and autograd some of them", rows);
}

// Both sides run two processes of one thread each.
bench::Measurement measure_two_ranks(int64_t num_pairs, int rounds, bench::PeerProcess& ours,
                                     bench::Peer& peer) {
  const auto ask = [num_pairs](bench::PeerProcess& process, const char* what) {
    return 1e3 * std::stod(process.ask(fmt::format("{} {}", what, num_pairs)));
  };
  std::vector<double> our_times, peer_times;
  for (int round = 0; round <= rounds; ++round) {
    our_times.push_back(ask(ours, "ranks"));
    if (peer.process) peer_times.push_back(ask(*peer.process, "ranks"));
  }
  bench::Measurement row{.name = fmt::format("loss_{}_two_ranks", num_pairs),
                         .what = fmt::format("K = {}, two ranks (peer: gloo)", num_pairs),
                         .unit = "ms",
                         .ours = bench::typical(our_times),
                         .better = bench::Better::less,
                         .missing_peer = peer.missing};
  if (peer.process) row.peer = bench::typical(peer_times);
  return row;
}

bench::Peer start_two_ranks() {
  bench::Peer ranks = bench::open_peer(
      {"mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1", "-np",
       "2", COCOLA_BIN "/bench_loss_rank", std::to_string(kEmbeddingSize)});
  if (!ranks.process) fail("bench", "two ranks cannot be started: {}", ranks.missing);
  return ranks;
}

int measure(const bench::Arguments& arguments) {
  at::manual_seed(1);
  bench::Peer peer =
      bench::open_peer({arguments.python, COCOLA_BENCH_FOLDER "/loss_peer.py",
                        std::to_string(kEmbeddingSize), std::to_string(at::get_num_threads())});
  std::vector<bench::Measurement> rows;
  {
    const bench::Peer ours = start_two_ranks();
    rows.push_back(measure_two_ranks(1024, arguments.choose(3, 9), *ours.process, peer));
    rows.push_back(measure_two_ranks(4096, arguments.choose(1, 3), *ours.process, peer));
  }
  measure_one_process(arguments, peer, rows);
  fmt::print("Loss and gradients of K pairs with D = {}, W learned, {} threads.\n", kEmbeddingSize,
             at::get_num_threads());
  bench::report(rows, arguments);
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  return cocola::run_program("bench_loss", [&] {
    cocola::tune_memory_allocator();
    return cocola::measure(cocola::bench::parse_arguments(argc, argv));
  });
}
