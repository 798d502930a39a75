#include "preprocess/datasets/python_shuffle.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

namespace cocola {
namespace {

// init_by_array of the reference implementation, for an array of one word, in the shape in which
// std::mt19937 asks for its state.
class OneWordSeed {
 public:
  using result_type = uint32_t;
  explicit OneWordSeed(uint32_t word) : word_(word) {}

  template <typename Iterator>
  void generate(Iterator first, Iterator last) const {
    const auto size = static_cast<uint32_t>(last - first);
    std::vector<uint32_t> state(size);
    state[0] = 19650218;
    for (uint32_t i = 1; i < size; ++i) state[i] = 1812433253 * mixed(state[i - 1]) + i;
    uint32_t at = 1;
    const auto advance = [&] {
      if (++at < size) return;
      state[0] = state[size - 1];
      at = 1;
    };
    for (uint32_t k = 0; k < size; ++k, advance()) {
      state[at] = (state[at] ^ (mixed(state[at - 1]) * 1664525)) + word_;
    }
    for (uint32_t k = 0; k + 1 < size; ++k, advance()) {
      state[at] = (state[at] ^ (mixed(state[at - 1]) * 1566083941)) - at;
    }
    state[0] = 0x80000000;
    std::ranges::copy(state, first);
  }

 private:
  static uint32_t mixed(uint32_t word) { return word ^ (word >> 30); }

  uint32_t word_;
};

// Uniform in [0, limit) by rejection from as many top bits as limit has.
uint32_t below(std::mt19937& generator, uint32_t limit) {
  const int unused_bits = 32 - std::bit_width(limit);
  uint32_t drawn = 0;
  do {
    drawn = static_cast<uint32_t>(generator()) >> unused_bits;
  } while (drawn >= limit);
  return drawn;
}

}  // namespace

std::mt19937 python_generator(uint32_t seed) {
  OneWordSeed sequence(seed);
  return std::mt19937(sequence);
}

std::vector<size_t> python_shuffle(size_t count, uint32_t seed) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::mt19937 generator = python_generator(seed);
  for (size_t i = count; i > 1; --i) {
    std::swap(order[i - 1], order[below(generator, static_cast<uint32_t>(i))]);
  }
  return order;
}

}  // namespace cocola
