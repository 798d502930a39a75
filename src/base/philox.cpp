#include "base/philox.h"

#include <cmath>

namespace cocola {

PhiloxStream::PhiloxStream(uint64_t seed, DrawPurpose purpose, uint32_t substream, uint64_t item,
                           uint64_t epoch)
    : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
      counter_{0, (static_cast<uint32_t>(purpose) << 24) | (substream & 0xFFFFFFu),
               static_cast<uint32_t>(item), static_cast<uint32_t>(epoch)} {}

uint32_t PhiloxStream::next_u32() {
  if (used_ == 4) {
    block_ = philox4x32_10(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[static_cast<size_t>(used_++)];
}

float PhiloxStream::next_uniform() { return static_cast<float>(next_u32() >> 8) * 0x1p-24f; }

uint32_t PhiloxStream::next_below(uint32_t n) {
  // Lemire's multiply-shift: the low word tells whether this draw falls in the biased remainder.
  uint64_t product = static_cast<uint64_t>(next_u32()) * n;
  if (static_cast<uint32_t>(product) < n) {
    const uint32_t threshold = (0u - n) % n;
    while (static_cast<uint32_t>(product) < threshold) {
      product = static_cast<uint64_t>(next_u32()) * n;
    }
  }
  return static_cast<uint32_t>(product >> 32);
}

float PhiloxStream::next_normal() {
  constexpr double kTwoPi = 6.283185307179586476925;
  const double radius_draw =
      1.0 - static_cast<double>(next_uniform());  // (0, 1]: the logarithm exists
  const double angle_draw = static_cast<double>(next_uniform());
  return static_cast<float>(std::sqrt(-2.0 * std::log(radius_draw)) *
                            std::cos(kTwoPi * angle_draw));
}

}  // namespace cocola
