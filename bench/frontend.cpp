// How long one core takes for the HPS features of a 5 s window, beside librosa; and how many
// windows a GPU makes in a second, where there is one, beside PyTorch on it.
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/philox.h"
#include "base/process.h"
#include "features/batch_front_end.h"
#include "features/feature_extractor.h"
#include "features/hpss_cuda.h"
#include "features/stft.h"
#include "support/peer_process.h"
#include "support/report.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

constexpr int64_t kWindowSamples = 80'000;
constexpr int kWindowsPerRound = 10;
constexpr int64_t kWindowsOnGpu = 256;

// What is timed, in this order on both sides.
enum Part : size_t { kWhole, kTransform, kMedians, kMelAndRest, kNumParts };
constexpr std::array<const char*, kNumParts> kPartNames = {"", "_transform", "_medians", "_mel"};
constexpr std::array<const char*, kNumParts> kPartTexts = {
    "whole", "  transform", "  medians (peer: hpss)", "  masks, mel, dB (peer: mel, dB)"};

struct Times {
  std::array<std::vector<double>, kNumParts> milliseconds;  // of one window, by round
  void add(const std::array<double, kNumParts>& seconds) {
    for (size_t p = 0; p < kNumParts; ++p) milliseconds[p].push_back(1e3 * seconds[p]);
  }
};

// A chord that decays every half second, over a little noise.
std::vector<float> play_window() {
  PhiloxStream random(1, DrawPurpose::bootstrap, 0, 0, 0);
  std::vector<float> samples;
  for (int64_t i = 0; i < kWindowSamples; ++i) {
    const double decay = std::exp(-static_cast<double>(i % 8000) / 3000.0);
    double chord = 0.0;
    for (const double step : {0.086, 0.109, 0.129, 0.172})
      chord += std::sin(step * static_cast<double>(i));
    const double hiss = 0.005 * static_cast<double>(random.next_normal());
    samples.push_back(static_cast<float>(0.1 * decay * chord + hiss));
  }
  return samples;
}

// One SIMD level's objects, kept between rounds as a loader keeps them.
class OurSide {
 public:
  OurSide(SimdLevel level, const std::vector<float>& waveform)
      : level_(level),
        waveform_(waveform),
        shape_(FeatureConfig{}.shape(kWindowSamples)),
        extractor_(FeatureConfig{}, level),
        stft_(FeatureConfig{}, EdgePadding::zeros, level),
        features_(static_cast<size_t>(shape_.size())),
        magnitude_(static_cast<size_t>(shape_.frames * stft_.num_bins())),
        medians_(magnitude_.size()) {}

  SimdLevel level() const { return level_; }
  const Times& times() const { return times_; }

  void run_round() {
    const double whole = seconds_a_window([&] { extractor_.extract(waveform_, features_); });
    const double transform = seconds_a_window([&] { stft_.magnitude(waveform_, magnitude_); });
    const double medians = seconds_a_window([&] {
      const int64_t frames = shape_.frames, bins = stft_.num_bins();
      median31_along_rows_axis(magnitude_, medians_, frames, bins, scratch_, level_);
      median31_along_columns_axis(magnitude_, medians_, frames, bins, scratch_, level_);
    });
    times_.add({whole, transform, medians, whole - transform - medians});
  }

 private:
  static double seconds_a_window(const std::function<void()>& work) {
    return bench::cpu_seconds_of([&] {
             for (int i = 0; i < kWindowsPerRound; ++i) work();
           }) /
           kWindowsPerRound;
  }

  SimdLevel level_;
  const std::vector<float>& waveform_;
  FeatureShape shape_;
  FeatureExtractor extractor_;
  Stft stft_;
  std::vector<float> features_, magnitude_, medians_;
  MedianScratch scratch_;
  Times times_;
};

void run_peer_round(bench::PeerProcess& peer, Times& times) {
  std::istringstream answer(peer.ask("window"));
  double transform = 0, hpss = 0, mel = 0;
  if (!(answer >> transform >> hpss >> mel)) {
    fail("bench", "the peer answered \"{}\"", answer.str());
  }
  times.add({transform + hpss + mel, transform, hpss, mel});
}

// Both sides have the waveforms on the GPU and leave the features there.
bench::Measurement measure_gpu(const std::vector<float>& waveform, const std::string& file,
                               const std::string& python, int rounds) {
  const bench::Peer peer =
      bench::open_peer({python, COCOLA_BENCH_FOLDER "/frontend_gpu_peer.py", file, "cuda"});
  std::vector<float> samples = waveform;
  const at::Tensor waveforms = at::from_blob(samples.data(), {1, kWindowSamples})
                                   .to(at::kCUDA)
                                   .expand({kWindowsOnGpu, kWindowSamples})
                                   .contiguous();
  BatchFrontEnd front_end{FeatureConfig{}};
  std::vector<double> ours, theirs;
  for (int round = 0; round <= rounds; ++round) {
    ours.push_back(bench::seconds_of([&] {
      front_end.extract(waveforms)[0][0][0][0].item<float>();  // waits for the GPU
    }));
    if (peer.process) {
      theirs.push_back(std::stod(peer.process->ask(fmt::format("{}", kWindowsOnGpu))));
    }
  }
  const auto windows = static_cast<double>(kWindowsOnGpu);
  bench::Measurement row{.name = "gpu_frontend",
                         .what = fmt::format("one GPU, {} windows (peer: PyTorch)", kWindowsOnGpu),
                         .unit = "windows/s",
                         .ours = windows / bench::typical(ours),
                         .missing_peer = peer.missing};
  if (peer.process) row.peer = windows / bench::typical(theirs);
  return row;
}

int measure(const bench::Arguments& arguments) {
  const testing::TemporaryDirectory folder;
  const std::vector<float> waveform = play_window();
  write_file_atomically(folder / "waveform.f32",
                        std::string_view(reinterpret_cast<const char*>(waveform.data()),
                                         waveform.size() * sizeof(float)));
  bench::Peer peer = bench::open_peer(
      {arguments.python, COCOLA_BENCH_FOLDER "/frontend_peer.py", folder / "waveform.f32"});

  std::vector<OurSide> levels;
  for (const SimdLevel level : available_simd_levels()) levels.emplace_back(level, waveform);
  Times peer_times;
  const int rounds = arguments.choose(4, 15);
  for (int round = 0; round <= rounds; ++round) {
    for (OurSide& ours : levels) ours.run_round();
    if (peer.process) run_peer_round(*peer.process, peer_times);
  }

  // The best level is "frontend", the others carry their name.
  std::vector<bench::Measurement> rows;
  for (const OurSide& ours : levels) {
    const bool best = ours.level() == best_simd_level();
    const std::string level = to_string(ours.level());
    for (size_t p = 0; p < kNumParts; ++p) {
      bench::Measurement row{.name = "frontend" + (best ? "" : "_" + level) + kPartNames[p],
                             .what = fmt::format("{:<8} {}", level, kPartTexts[p]),
                             .unit = "ms per window",
                             .ours = bench::typical(ours.times().milliseconds[p]),
                             .better = bench::Better::less,
                             .missing_peer = peer.missing};
      if (peer.process) row.peer = bench::typical(peer_times.milliseconds[p]);
      rows.push_back(row);
    }
  }
  if (can_run_hpss_cuda()) {
    rows.push_back(measure_gpu(waveform, folder / "waveform.f32", arguments.python, rounds));
  }
  fmt::print("Processor time of one core for a 5 s window, median of {} rounds.\n", rounds);
  bench::report(rows, arguments);
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  return cocola::run_program("bench_frontend", [&] {
    return cocola::measure(cocola::bench::parse_arguments(argc, argv));
  });
}
