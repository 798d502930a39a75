#include "features/mel.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include "features/front_end_support.h"
#include "support/golden.h"
#include "support/measured.h"

namespace cocola {
namespace {

at::Tensor dense_bank(MelScale scale) {
  const at::Tensor matrix = at::zeros({64, 513});
  int64_t row = 0;
  for (const MelBand& band : mel_bands(scale, 64, 1024, 16000, 60, 7800)) {
    int64_t bin = band.first_bin;
    for (const float weight : band.weights) matrix[row][bin++] = weight;
    ++row;
  }
  return matrix;
}

TEST(Mel, FilterBanksEqualLibrosaAndTorchaudio) {
  const SafetensorsFile golden = testing::golden("frontend");
  const double slaney =
      testing::relative_error(dense_bank(MelScale::slaney_area), golden.get("mel_filters_slaney"));
  const double htk =
      testing::relative_error(dense_bank(MelScale::htk_peak), golden.get("mel_filters_htk"));
  EXPECT_LE(testing::measured("mel filters, Slaney", slaney, 1e-6), 1e-6);
  EXPECT_LE(testing::measured("mel filters, HTK", htk, 1e-5), 1e-5);
}

TEST(Mel, NeighbouringTrianglesOfPeakOneSumToOneBetweenTheirPeaks) {
  const at::Tensor sums = dense_bank(MelScale::htk_peak).sum(0);
  // From the first band's peak (about 95 Hz) to the last one's (about 7.5 kHz).
  const at::Tensor inner = sums.slice(0, 8, 470);
  EXPECT_LE((inner - 1).abs().max().item<double>(), 1e-5);
}

// Many bands of a short transform: some triangles fall between two bins.
TEST(Mel, BandsWithoutABinAreEmpty) {
  const std::vector<MelBand> bands = mel_bands(MelScale::slaney_area, 256, 256, 16000, 0, 8000);
  ASSERT_EQ(bands.size(), 256u);
  size_t empty = 0;
  for (const MelBand& band : bands) {
    empty += band.weights.empty() ? 1 : 0;
    EXPECT_LE(band.first_bin + static_cast<int64_t>(band.weights.size()), 129);
  }
  EXPECT_GT(empty, 0u);
}

}  // namespace
}  // namespace cocola
