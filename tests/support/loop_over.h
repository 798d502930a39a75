// Runs the cells of a GPU's kernel one after the other on the CPU.
#pragma once
#include <cstdint>

namespace cocola::testing {

template <typename Cells>
void loop_over(const Cells& cells, int64_t n) {
  for (int64_t i = 0; i < n; ++i) cells(i);
}

}  // namespace cocola::testing
