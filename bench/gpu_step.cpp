// A training step of the published network on the first GPU in every precision, as it is and
// recorded, from few pairs to many, beside PyTorch's.
#include <ATen/DeviceAccelerator.h>
#include <fmt/format.h>

#include <optional>

#include "base/process.h"
#include "support/peer_process.h"
#include "support/report.h"
#include "support/trainee.h"
#include "training/precision.h"
#include "training/reproducibility.h"

namespace cocola {
namespace {

constexpr FeatureShape kFiveSeconds{2, 64, 501};
const at::Device kGpu{at::kCUDA, 0};
// Steps in a round of each side, and those before the first: they choose algorithms and record.
constexpr int kStepsOfRound = 10, kStepsBefore = 10;

// What one side needs in the precision and of the size in question.
struct Cost {
  double seconds = 0.0;
  double peak_megabytes = 0.0;
};

double allocated_megabytes() {
  constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto bytes = at::accelerator::getDeviceStats(kGpu.index()).allocated_bytes[kAll].peak;
  return static_cast<double>(bytes) * 1e-6;
}

double seconds_of_round(bench::Trainee& trainee, const Batch& batch) {
  double seconds = 0.0;
  for (int i = 0; i < kStepsOfRound; ++i) seconds += trainee.seconds_of_step(batch);
  return seconds / kStepsOfRound;
}

double seconds_of_round(bench::PeerProcess& peer, int64_t pairs) {
  double seconds = 0.0;
  for (int i = 0; i < kStepsOfRound; ++i) {
    seconds += std::stod(peer.ask(fmt::format("{} {}", pairs, kFiveSeconds.frames)));
  }
  return seconds / kStepsOfRound;
}

// Peaks are those of one side at a time: of ours with one model on the GPU.
double peak_of(const TrainingConfig& config, const Batch& batch) {
  at::accelerator::emptyCache();
  at::accelerator::resetPeakStats(kGpu.index());
  bench::Trainee trainee({}, config, kGpu);
  for (int i = 0; i < kStepsBefore; ++i) trainee.seconds_of_step(batch);
  return allocated_megabytes();
}

struct Row {
  Cost eager, recorded;
  std::optional<Cost> peer;
};

Row measure(Precision precision, int64_t pairs, bench::PeerProcess* peer, int rounds) {
  TrainingConfig config;
  config.pairs_per_step = config.pairs_per_group = pairs;
  config.precision = precision;
  TrainingConfig graph = config;
  graph.cuda_graph = true;
  const Batch batch = bench::random_batch(pairs, kFiveSeconds, kGpu);
  Row row;
  row.eager.peak_megabytes = peak_of(config, batch);
  row.recorded.peak_megabytes = peak_of(graph, batch);
  bench::Trainee eager({}, config, kGpu), recorded({}, graph, kGpu);
  std::vector<double> ours, played, theirs;
  for (int round = 0; round <= rounds; ++round) {
    ours.push_back(seconds_of_round(eager, batch));
    played.push_back(seconds_of_round(recorded, batch));
    if (peer != nullptr) theirs.push_back(seconds_of_round(*peer, pairs));
  }
  row.eager.seconds = bench::typical(ours);
  row.recorded.seconds = bench::typical(played);
  if (peer != nullptr) {
    row.peer = Cost{bench::typical(theirs), std::stod(peer->ask("peak")) * 1e-6};
  }
  return row;
}

// The lines of targets have names of their own.
std::string name_of(const std::string& kind, const std::string& precision, int64_t pairs) {
  if (precision == "bf16" && kind == "gpu_step" && pairs == 128) return kind;
  if (precision == "bf16" && kind == "gpu_step_graph" && pairs == 32) return kind;
  return fmt::format("{}_{}_{}", kind, precision, pairs);
}

void add_lines(const Row& row, const std::string& precision, int64_t pairs,
               const std::string& missing_peer, std::vector<bench::Measurement>& lines) {
  const std::string what = fmt::format("{}, {} pairs", precision, pairs);
  const auto rate = [&](const Cost& cost) { return static_cast<double>(pairs) / cost.seconds; };
  bench::Measurement step{.name = name_of("gpu_step", precision, pairs),
                          .what = what + " (peer: PyTorch)",
                          .unit = "pairs/s",
                          .ours = rate(row.eager),
                          .missing_peer = missing_peer};
  bench::Measurement memory{.name = name_of("gpu_memory", precision, pairs),
                            .what = what + ", peak memory (peer: PyTorch)",
                            .unit = "MB",
                            .ours = row.eager.peak_megabytes,
                            .better = bench::Better::less,
                            .missing_peer = missing_peer};
  if (row.peer) {
    step.peer = rate(*row.peer);
    memory.peer = row.peer->peak_megabytes;
  }
  lines.push_back(step);
  lines.push_back({.name = name_of("gpu_step_graph", precision, pairs),
                   .what = what + ", recorded (peer: our step as it is)",
                   .unit = "pairs/s",
                   .ours = rate(row.recorded),
                   .peer = rate(row.eager)});
  lines.push_back(memory);
  lines.push_back({.name = name_of("gpu_memory_graph", precision, pairs),
                   .what = what + ", recorded, peak memory (peer: our step as it is)",
                   .unit = "MB",
                   .ours = row.recorded.peak_megabytes,
                   .peer = row.eager.peak_megabytes,
                   .better = bench::Better::less});
}

int measure_all(const bench::Arguments& arguments) {
  std::vector<bench::Measurement> lines;
  if (num_cuda_devices() == 0) {
    fmt::print("No CUDA in this build, or no GPU in this machine.\n");
    bench::report(lines, arguments);
    return kExitDone;
  }
  set_determinism(Reproducibility::fast);
  const std::string script = COCOLA_BENCH_FOLDER "/step_peer.py";
  const int64_t most = arguments.choose<int64_t>(128, 512), factor = arguments.choose(4, 2);
  for (const auto& [precision, name] :
       {std::pair(Precision::bf16, "bf16"), {Precision::tf32, "tf32"}, {Precision::fp32, "fp32"}}) {
    if (arguments.quick && precision != Precision::bf16) break;
    set_product_precision(precision);
    const bench::Peer peer = bench::open_peer({arguments.python, script, "cuda", name});
    for (int64_t pairs = arguments.choose<int64_t>(32, 16); pairs <= most; pairs *= factor) {
      try {
        add_lines(measure(precision, pairs, peer.process.get(), arguments.choose(2, 4)), name,
                  pairs, peer.missing, lines);
      } catch (const c10::OutOfMemoryError&) {
        fmt::print("{}, {} pairs and more: not enough memory on this GPU\n", name, pairs);
        break;
      }
    }
  }
  fmt::print("Training steps on a GPU, {} steps a round; each ends with its report on the host.\n",
             kStepsOfRound);
  bench::report(lines, arguments);
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  return cocola::run_program("bench_gpu_step", [&] {
    return cocola::measure_all(cocola::bench::parse_arguments(argc, argv));
  });
}
