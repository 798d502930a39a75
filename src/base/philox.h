// Counter-based random numbers (Philox 4x32-10): every draw is a pure function of what it is for,
// so nothing random depends on rank, thread or call order, and nothing random needs saving.
#pragma once
#include <array>
#include <cstdint>

namespace cocola {

using PhiloxBlock = std::array<uint32_t, 4>;

using PhiloxKey = std::array<uint32_t, 2>;

// One round, for those who compute many blocks side by side; `key` is that of the round.
constexpr void philox_round(uint32_t& c0, uint32_t& c1, uint32_t& c2, uint32_t& c3,
                            const PhiloxKey& key) {
  const uint64_t product0 = uint64_t{0xD2511F53u} * c0;
  const uint64_t product1 = uint64_t{0xCD9E8D57u} * c2;
  c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ key[0];
  c1 = static_cast<uint32_t>(product1);
  c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ key[1];
  c3 = static_cast<uint32_t>(product0);
}

// The key of the next round.
constexpr void advance(PhiloxKey& key) {
  key[0] += 0x9E3779B9u;
  key[1] += 0xBB67AE85u;
}

inline constexpr int kPhiloxRounds = 10;

// Ten rounds of Philox 4x32. Pure.
// See: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC11).
constexpr PhiloxBlock philox4x32_10(PhiloxBlock counter, PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    philox_round(counter[0], counter[1], counter[2], counter[3], key);
    advance(key);
  }
  return counter;
}

// What a draw decides. Values are part of the reproducibility contract: never renumber.
enum class DrawPurpose : uint8_t {
  submix = 1,
  noise = 2,
  channel_mask = 3,
  dropout = 4,
  drop_connect = 5,
  permutation = 6,
  initial_weights = 7,
  bootstrap = 8,
};

// The sequence of draws for one purpose and one item (a window, a weight, ...).
//
// Random: decided by (seed, purpose, substream, item, epoch) alone; the counter is
//         (draw block, purpose << 24 | substream, item, epoch) under the 64-bit key seed.
// Requires: substream < 2^24; item and epoch are used modulo 2^32.
class PhiloxStream {
 public:
  PhiloxStream(uint64_t seed, DrawPurpose purpose, uint32_t substream, uint64_t item,
               uint64_t epoch);

  uint32_t next_u32();
  // In [0, 1): the top 24 bits times 2^-24, exact in float32.
  float next_uniform();
  // In [0, n), n >= 1, without bias (multiply-shift with rejection).
  uint32_t next_below(uint32_t n);
  // Standard normal (Box-Muller; uses two words a draw).
  float next_normal();

 private:
  PhiloxKey key_;
  PhiloxBlock counter_;
  PhiloxBlock block_{};
  int used_ = 4;
};

}  // namespace cocola
