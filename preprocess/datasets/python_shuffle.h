// The order into which Python's random.Random(seed).shuffle brings a list, for splits that were
// published as such code.
#pragma once
#include <cstdint>
#include <random>
#include <vector>

namespace cocola {

// The generator behind Python's `random`: MT19937, seeded by init_by_array with the one word seed.
std::mt19937 python_generator(uint32_t seed);

// The positions 0 .. count-1, shuffled. Requires: count < 2^32.
std::vector<size_t> python_shuffle(size_t count, uint32_t seed);

}  // namespace cocola
