#include "launch/memory_estimate.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "batches/device_feed.h"
#include "config/config_file.h"
#include "objective/contrastive_loss.h"

namespace cocola {
namespace {

constexpr int64_t kPublishedParameters = 4'926'300;

RunConfig config_of(const char* name) {
  return load_config(std::filesystem::path(COCOLA_CONFIGS) / name, {});
}

// The network's own part is checked against allocations in tests/model, the whole against a process
// in tests/programs.
TEST(MemoryEstimate, AllFor12GigabytesFitsThem) {
  const MemoryEstimate estimate =
      estimate_memory(config_of("all_12gb.yaml"), kPublishedParameters, 1);
  EXPECT_LT(estimate.total(), 12'000'000'000) << to_text(estimate);
  EXPECT_GT(estimate.total(), 6'000'000'000) << "the card could take more: " << to_text(estimate);
}

TEST(MemoryEstimate, AllWantsMoreThanThatAlone) {
  EXPECT_GT(estimate_memory(config_of("all.yaml"), kPublishedParameters, 1).total(),
            12'000'000'000);
}

TEST(MemoryEstimate, RanksShareWhatGrowsWithTheBatch) {
  const RunConfig config = config_of("all.yaml");
  const MemoryEstimate one = estimate_memory(config, kPublishedParameters, 1);
  const MemoryEstimate eight = estimate_memory(config, kPublishedParameters, 8);
  EXPECT_NEAR(static_cast<double>(one.activations) / static_cast<double>(eight.activations), 8.0,
              1e-6);
  EXPECT_EQ(one.parameters, eight.parameters);
  EXPECT_GT(one.loader, eight.loader);
}

TEST(MemoryEstimate, SimilaritiesOfTheLargestStepFitIntoAnyCard) {
  RunConfig config = config_of("all.yaml");
  config.training.pairs_per_step = 65'536;
  const MemoryEstimate one = estimate_memory(config, kPublishedParameters, 1);
  EXPECT_EQ(one.similarities, contrastive_loss_bytes(65'536, 65'536, 512, 4));
  EXPECT_LT(one.similarities, 800'000'000);
}

TEST(MemoryEstimate, Bfloat16HalvesActivations) {
  RunConfig config = config_of("all.yaml");
  const MemoryEstimate narrow = estimate_memory(config, kPublishedParameters, 1);
  config.training.precision = Precision::fp32;
  const MemoryEstimate wide = estimate_memory(config, kPublishedParameters, 1);
  EXPECT_NEAR(static_cast<double>(wide.activations) / static_cast<double>(narrow.activations), 2.0,
              1e-6);
}

// 64 pairs a rank of windows of 5 s at 16 kHz, four stems in each window.
TEST(MemoryEstimate, AGpuThatMixesHoldsTwoBatchesOfFeaturesAndTheHostTheirStems) {
  RunConfig config = config_of("all.yaml");
  config.training.pairs_per_step = 128;
  const MemoryEstimate on_host = estimate_memory(config, kPublishedParameters, 2);
  const MemoryEstimate on_gpu = estimate_memory(config, kPublishedParameters, 2, 3.5);
  EXPECT_EQ(on_host.front_end, 0);
  const int64_t features = 2 * 64 * 4 * 2 * 64 * 501, stems = 64 * 560'000,
                waveforms = 64 * 320'000;
  EXPECT_EQ(on_gpu.front_end, 2 * features + stems + waveforms + BatchPipeline::kPieceBytes);
  // 35.8 MB of stems take a block of 64 MiB each, where features took 32.8 MB.
  const int64_t read_ahead = config.training.loader.read_ahead;
  EXPECT_EQ(on_gpu.loader - on_host.loader,
            (read_ahead + 1) * (int64_t{1} << 26) - (read_ahead + 2) * features);
  EXPECT_EQ(on_gpu.total() - on_host.total(), on_gpu.front_end + on_gpu.loader - on_host.loader);
}

TEST(MemoryEstimate, AGpuThatCachesGradientsHoldsOneBatchAndAFewStems) {
  RunConfig config = config_of("all.yaml");
  config.training.pairs_per_step = 4096;
  config.training.groups_in_memory = 2;
  const MemoryEstimate estimate = estimate_memory(config, kPublishedParameters, 1, 3.5);
  EXPECT_EQ(estimate.front_end, int64_t{2} * 4096 * 4 * 2 * 64 * 501 +
                                    DeviceFeed::kPairsPerPiece * (560'000 + 320'000) +
                                    BatchPipeline::kPieceBytes);
}

TEST(MemoryEstimate, SaysWhatItConsistsOf) {
  MemoryEstimate estimate{.activations = 3'000'000'000,
                          .parameters = 100'000'000,
                          .similarities = 200'000'000,
                          .loader = 300'000'000,
                          .program = 400'000'000};
  EXPECT_EQ(to_text(estimate),
            "about 4.0 GB a rank: 3.0 for activations, 0.1 for parameters and optimiser, 0.2 for "
            "similarities, 0.3 for batches ahead, 0.4 for the program");
  estimate.front_end = 700'000'000;
  EXPECT_EQ(
      to_text(estimate),
      "about 4.7 GB a rank: 3.0 for activations, 0.1 for parameters and optimiser, 0.2 for "
      "similarities, 0.3 for batches ahead, 0.7 for features on the GPU, 0.4 for the program");
}

}  // namespace
}  // namespace cocola
