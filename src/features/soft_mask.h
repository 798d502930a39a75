// The soft mask of harmonic/percussive separation, shared by the plain and the vectorised code.
#pragma once

namespace cocola {
namespace {  // each instruction set needs a copy of its own, never one merged by the linker

// Share of the harmonic part in a cell, from the two medians; power 2, margin 1. The percussive
// share is the same function with exchanged arguments. 1/2 where both medians vanish.
inline float soft_mask(float harmonic, float percussive) {
  constexpr float kSmallestNormal = 1.1754944e-38f;
  const float larger = harmonic > percussive ? harmonic : percussive;
  const bool vanishes = larger < kSmallestNormal;
  const float divisor = vanishes ? 1.0f : larger;
  const float h = harmonic / divisor, p = percussive / divisor;
  const float h2 = h * h, p2 = p * p;
  return vanishes ? 0.5f : h2 / (h2 + p2);
}

}  // namespace
}  // namespace cocola
