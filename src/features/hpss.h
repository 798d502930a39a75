// Harmonic/percussive separation of a magnitude spectrogram by median filtering and soft masks.
#pragma once
#include <cstdint>
#include <span>

#include "features/median.h"

namespace cocola {

// Splits |S| into harmonic and percussive magnitudes with soft masks of power 2, margin 1.
//
// Shapes: magnitude, harmonic, percussive row-major [num_frames, num_bins].
// Law:    harmonic + percussive = magnitude up to rounding (the masks sum to one); where both
// medians
//         vanish the masks are 1/2.
// See:    Fitzgerald 2010; librosa.decompose.hpss with kernel 31, power 2, margin 1.
void hpss(std::span<const float> magnitude, std::span<float> harmonic, std::span<float> percussive,
          int64_t num_frames, int64_t num_bins, MedianScratch& scratch, SimdLevel level);

}  // namespace cocola
