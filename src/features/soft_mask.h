// The soft masks of harmonic/percussive separation, shared by the plain, the vectorised and the GPU
// code.
#pragma once

namespace cocola {
namespace {  // each instruction set needs a copy of its own, never one merged by the linker

// Shares of the harmonic and the percussive part in a cell.
struct SoftMasks {
  float harmonic, percussive;
};

// From the two medians, both >= 0; power 2, margin 1. 1/2 each where both medians vanish. Over the
// larger median's square the shares are 1 and r^2, divided by their sum.
constexpr SoftMasks soft_masks(float harmonic, float percussive) {
  constexpr float kSmallestNormal = 1.1754944e-38f;
  const bool is_harmonic = harmonic > percussive;
  const float larger = is_harmonic ? harmonic : percussive;
  const float smaller = is_harmonic ? percussive : harmonic;
  const bool vanish = larger < kSmallestNormal;
  const float ratio = vanish ? 1.0f : smaller / larger;
  const float square = ratio * ratio, sum = 1.0f + square;
  const float large_share = 1.0f / sum, small_share = square / sum;
  return {is_harmonic ? large_share : small_share, is_harmonic ? small_share : large_share};
}

}  // namespace
}  // namespace cocola
