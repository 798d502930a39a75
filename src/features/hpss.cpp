#include "features/hpss.h"

#include "base/error.h"
#include "features/soft_mask.h"

namespace cocola {

void hpss(std::span<const float> magnitude, std::span<float> harmonic, std::span<float> percussive,
          int64_t num_frames, int64_t num_bins, MedianScratch& scratch, SimdLevel level) {
  if (magnitude.size() != harmonic.size() || magnitude.size() != percussive.size()) {
    fail("hpss", "{} magnitudes, {} harmonic and {} percussive values; all must be equal in number",
         magnitude.size(), harmonic.size(), percussive.size());
  }
  median31_along_rows_axis(magnitude, harmonic, num_frames, num_bins, scratch, level);
  median31_along_columns_axis(magnitude, percussive, num_frames, num_bins, scratch, level);
  for (size_t i = 0; i < magnitude.size(); ++i) {
    const SoftMasks masks = soft_masks(harmonic[i], percussive[i]);
    harmonic[i] = magnitude[i] * masks.harmonic;
    percussive[i] = magnitude[i] * masks.percussive;
  }
}

}  // namespace cocola
