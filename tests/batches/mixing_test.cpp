#include "batches/mixing.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "batches/noisy_stems.h"

namespace cocola {
namespace {

using testing::kStemSeed;
using testing::NoisyStems;
using testing::packed_batch;

std::vector<float> row_of(const at::Tensor& waveforms, int64_t row) {
  const float* const first = waveforms.const_data_ptr<float>() + row * waveforms.size(1);
  return {first, first + waveforms.size(1)};
}

// As the loader's threads mix.
std::vector<float> mixed_by_host(NoisyStems& source, int64_t window, const std::vector<int>& stems,
                                 float gain) {
  std::vector<float> mix(static_cast<size_t>(source.num_samples()), 0.0f);
  std::vector<int16_t> samples(mix.size());
  for (const int stem : stems) {
    source.read(window, stem, samples);
    add_stem(samples, gain, mix);
  }
  return mix;
}

TEST(Mixing, HasTheBitsOfTheHostsMixAndNoise) {
  const std::vector<int64_t> windows = {3, 0, 4, 1, 2};
  for (const int64_t num_samples : {1, 63, 64, 255, 256, 257, 449, 8000, 8193}) {
    NoisyStems source(num_samples, {2, 4, 31, 3, 7});
    for (const double noise_std : {0.0, 1e-3, 0.7}) {
      for (const int64_t epoch : {0, 9}) {
        const PackedStems stems = *packed_batch(source, windows, epoch).stems;
        const at::Tensor anchors = mix_anchors(stems, 0, 5, at::kCPU);
        const at::Tensor positives =
            mix_positives(stems, 0, 5, {noise_std, kStemSeed, epoch}, at::kCPU);
        ASSERT_EQ(anchors.sizes(), at::IntArrayRef({5, num_samples}));
        for (int64_t i = 0; i < 5; ++i) {
          const int64_t window = windows[static_cast<size_t>(i)];
          const PairStems pair = source.stems_of(window, epoch);
          EXPECT_EQ(row_of(anchors, i),
                    mixed_by_host(source, window, pair.choice.anchor, pair.gain));
          std::vector<float> positive =
              mixed_by_host(source, window, pair.choice.positive, pair.gain);
          add_noise(positive, noise_std, kStemSeed, epoch, pair.key);
          EXPECT_EQ(row_of(positives, i), positive) << num_samples << " samples";
        }
      }
    }
  }
}

TEST(Mixing, PiecesHaveTheBitsOfTheWhole) {
  const NoisyStems source(700, {2, 9, 4, 5, 2, 3});
  const PackedStems stems = *packed_batch(source, {0, 1, 2, 3, 4, 5}, 1).stems;
  const PositiveNoise noise{1e-2, kStemSeed, 1};
  const at::Tensor anchors = mix_anchors(stems, 0, 6, at::kCPU);
  const at::Tensor positives = mix_positives(stems, 0, 6, noise, at::kCPU);
  for (int64_t first = 0; first < 6; ++first) {
    for (int64_t count = 1; first + count <= 6; ++count) {
      EXPECT_TRUE(
          at::equal(mix_anchors(stems, first, count, at::kCPU), anchors.narrow(0, first, count)));
      EXPECT_TRUE(at::equal(mix_positives(stems, first, count, noise, at::kCPU),
                            positives.narrow(0, first, count)));
    }
  }
}

TEST(Mixing, PackedRowsAreTheChosenStemsOfAnchorsThenOfPositives) {
  NoisyStems source(100, {2, 12, 4});
  const Batch batch = packed_batch(source, {2, 0, 1}, 5);
  const PackedStems& stems = *batch.stems;
  EXPECT_FALSE(batch.anchors.defined() || batch.positives.defined());
  int64_t row = 0;
  std::vector<int16_t> expected(100);
  for (int64_t signal = 0; signal < 6; ++signal) {
    const int64_t window = batch.window_ids[static_cast<size_t>(signal % 3)];
    const SubmixChoice choice = source.stems_of(window, 5).choice;
    EXPECT_EQ(stems.first_rows[signal].item<int64_t>(), row);
    for (const int stem : signal < 3 ? choice.anchor : choice.positive) {
      source.read(window, stem, expected);
      const int16_t* const found = stems.rows.const_data_ptr<int16_t>() + 100 * row++;
      EXPECT_EQ(std::vector(found, found + 100), expected);
    }
  }
  EXPECT_EQ(stems.first_rows[6].item<int64_t>(), row);
  EXPECT_EQ(stems.rows.size(0), row);
}

}  // namespace
}  // namespace cocola
