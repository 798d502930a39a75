#include "batches/sampler.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "base/philox.h"

namespace cocola {
namespace {

constexpr uint32_t kRounds = 8;

// A bijection of 0 .. 2^(2 half_bits) - 1: each round mixes one half into the other.
uint64_t feistel(uint64_t value, uint32_t half_bits, uint64_t seed, int64_t epoch) {
  const uint64_t mask = (uint64_t{1} << half_bits) - 1;
  uint64_t left = value >> half_bits, right = value & mask;
  for (uint32_t round = 0; round < kRounds; ++round) {
    PhiloxStream words(seed, DrawPurpose::permutation, round, right, static_cast<uint64_t>(epoch));
    const uint64_t mixed = left ^ (words.next_u32() & mask);
    left = right;
    right = mixed;
  }
  return left << half_bits | right;
}

}  // namespace

int64_t permuted_index(int64_t position, int64_t n, uint64_t seed, int64_t epoch) {
  if (n < 1 || n >= int64_t{1} << 32 || position < 0 || position >= n) {
    fail("sampler",
         "position {} of {} windows; allowed are 1 to 2^32 - 1 windows and positions below them",
         position, n);
  }
  const auto bits = static_cast<uint32_t>(std::bit_width(static_cast<uint64_t>(n - 1)));
  const uint32_t half_bits = std::max<uint32_t>(1, (bits + 1) / 2);
  // Cycle walking: images outside the range are sent through again until one falls inside.
  auto value = static_cast<uint64_t>(position);
  do {
    value = feistel(value, half_bits, seed, epoch);
  } while (value >= static_cast<uint64_t>(n));
  return static_cast<int64_t>(value);
}

void Sampler::validate() const {
  if (pairs_per_step < 1 || pairs_per_step > num_windows) {
    fail("sampler", "{} pairs in a step; allowed range [1, {}], the number of windows",
         pairs_per_step, num_windows);
  }
}

std::vector<int64_t> Sampler::windows_of(int64_t step, int64_t rank, int64_t world_size) const {
  if (pairs_per_step % world_size != 0) {
    fail("sampler", "{} ranks do not divide {} pairs in a step", world_size, pairs_per_step);
  }
  const int64_t share = pairs_per_step / world_size;
  const int64_t epoch = epoch_of(step);
  const int64_t first = step % steps_per_epoch() * pairs_per_step + rank * share;
  std::vector<int64_t> windows(static_cast<size_t>(share));
  for (int64_t i = 0; i < share; ++i) {
    windows[static_cast<size_t>(i)] = permuted_index(first + i, num_windows, seed, epoch);
  }
  return windows;
}

}  // namespace cocola
