#include "launch/memory_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "batches/device_feed.h"
#include "model/activations.h"
#include "objective/contrastive_loss.h"

namespace cocola {
namespace {

constexpr int64_t kFloat = 4, kBfloat16 = 2, kInt16 = 2;
constexpr int64_t kParameterCopies = 4;  // values, gradients, two moments
// Beside what the graph keeps: gradients of the layer at hand, and memory between blocks. Measured:
// docs/performance.md.
constexpr double kActivationOverhead = 1.15;
// LibTorch with its CUDA libraries, and what the allocator keeps; builds without them take 0.3 GB
// less.
constexpr int64_t kProgram = 700'000'000;
constexpr int64_t kScratchPerThread = 10'000'000;

// Rank 0 holds the similarities of all pairs of a validation, and works on copies.
int64_t validation_bytes(int64_t num_windows, int64_t embedding_size) {
  constexpr int64_t kCopies = 3;
  return kFloat * kCopies * num_windows * (num_windows + 2 * embedding_size);
}

// The allocator of page-locked memory takes powers of two.
int64_t pinned_bytes(double bytes) {
  return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(bytes)));
}

// One in use, and one prepared meanwhile unless steps are taken in pieces.
int64_t batches_at_hand(const TrainingConfig& config, int64_t pairs) {
  return config.pairs_in_memory(pairs) == pairs ? 2 : 1;
}

// Batches of features, the stems and waveforms of some pairs, and what the front end works in.
int64_t front_end_bytes(const TrainingConfig& config, int64_t pairs, const FeatureShape& shape,
                        double bytes_of_stems, int64_t window_samples) {
  const int64_t piece = std::min(pairs, DeviceFeed::kPairsPerPiece);
  const double bytes_of_pair = bytes_of_stems + static_cast<double>(kFloat * window_samples);
  return batches_at_hand(config, pairs) * 2 * pairs * kFloat * shape.size() +
         static_cast<int64_t>(static_cast<double>(piece) * bytes_of_pair) +
         BatchPipeline::kPieceBytes;
}

}  // namespace

MemoryEstimate estimate_memory(const RunConfig& config, int64_t num_parameters, int64_t world_size,
                               double stems_per_pair) {
  const TrainingConfig& t = config.training;
  const FeatureShape shape = config.features.shape(config.window_samples());
  const int64_t pairs = t.pairs_per_step / world_size, dimensions = config.model.embedding_size;
  const int64_t value_bytes = t.precision == Precision::bf16 ? kBfloat16 : kFloat;
  const int64_t kept =
      2 * t.pairs_in_memory(pairs) * value_bytes *
      saved_values_per_window(config.model, shape.channels, shape.mel_bins, shape.frames);
  MemoryEstimate estimate;
  estimate.activations = static_cast<int64_t>(kActivationOverhead * static_cast<double>(kept));
  estimate.parameters = kParameterCopies * kFloat * num_parameters;
  if (t.precision == Precision::bf16) estimate.parameters += kBfloat16 * num_parameters;
  estimate.similarities =
      std::max(contrastive_loss_bytes(pairs, t.pairs_per_step, dimensions, kFloat),
               validation_bytes(t.validation_windows, dimensions));
  int64_t bytes_of_batch = 2 * pairs * kFloat * shape.size();
  int64_t batches = t.loader.read_ahead + batches_at_hand(t, pairs);
  if (stems_per_pair > 0) {
    const double bytes_of_stems =
        stems_per_pair * static_cast<double>(kInt16 * config.window_samples());
    bytes_of_batch = pinned_bytes(static_cast<double>(pairs) * bytes_of_stems);
    batches = t.loader.read_ahead + 1;  // stems are dropped when features are made
    estimate.front_end = front_end_bytes(t, pairs, shape, bytes_of_stems, config.window_samples());
  }
  estimate.loader =
      batches * bytes_of_batch + std::max<int64_t>(1, t.loader.num_threads) * kScratchPerThread;
  estimate.program = kProgram;
  return estimate;
}

std::string to_text(const MemoryEstimate& estimate) {
  const auto gigabytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1e9; };
  const std::string front_end =
      estimate.front_end == 0
          ? ""
          : fmt::format("{:.1f} for features on the GPU, ", gigabytes(estimate.front_end));
  return fmt::format(
      "about {:.1f} GB a rank: {:.1f} for activations, {:.1f} for parameters and optimiser, {:.1f} "
      "for similarities, {:.1f} for batches ahead, {}{:.1f} for the program",
      gigabytes(estimate.total()), gigabytes(estimate.activations), gigabytes(estimate.parameters),
      gigabytes(estimate.similarities), gigabytes(estimate.loader), front_end,
      gigabytes(estimate.program));
}

}  // namespace cocola
