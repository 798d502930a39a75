// The selection of the 31-tap median, shared by every instruction set. Lanes gives
// Vector, whose elements are independent sequences, and its operations.
#pragma once
#include <cstdint>

namespace cocola {
namespace {  // each instruction set needs a copy of its own, never one merged by the linker

constexpr int kHalf = 16;  // order statistics needed: the median of 31 is the 16th smallest
constexpr int kBlock = 31;

// Position of element i of an axis of length n that is mirrored at its ends, edge samples repeated.
constexpr int64_t mirrored(int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  const int64_t period = 2 * n;
  const int64_t place = ((i % period) + period) % period;
  return place < n ? place : period - 1 - place;
}

// Keeps `list` the 16 smallest values seen, ascending.
template <typename Lanes>
constexpr void insert(typename Lanes::Vector* list, typename Lanes::Vector x) {
  for (int k = 0; k < kHalf; ++k) {
    const auto smaller = Lanes::min(list[k], x);
    x = Lanes::max(list[k], x);
    list[k] = smaller;
  }
}

// 16th smallest of the union of two ascending lists of 16.
template <typename Lanes>
constexpr typename Lanes::Vector sixteenth_of_union(const typename Lanes::Vector* a,
                                                    const float* b) {
  auto even = Lanes::min(a[kHalf - 1], Lanes::load(b + (kHalf - 1) * Lanes::kCount));
  auto odd = even;
  for (int i = 0; i + 1 < kHalf; i += 2) {
    even = Lanes::min(even, Lanes::max(a[i], Lanes::load(b + (kHalf - 2 - i) * Lanes::kCount)));
    if (i + 2 < kHalf) {
      odd = Lanes::min(odd, Lanes::max(a[i + 1], Lanes::load(b + (kHalf - 3 - i) * Lanes::kCount)));
    }
  }
  return Lanes::min(even, odd);
}

// Gives output(j, median of input(j .. j + 30)) for j < count <= 31. Of the 61 elements, every
// window is a suffix of the first 31 and a prefix of the rest: sorted suffixes are kept, the prefix
// grows as the window moves, and the median comes from merging the two. sorted is scratch of 31 *
// 16 vectors.
template <typename Lanes, typename Input, typename Output>
constexpr void median31_block(const Input& input, const Output& output, int64_t count,
                              float* sorted) {
  typename Lanes::Vector list[kHalf] = {};
  for (auto& value : list) value = Lanes::infinity();
  for (int64_t j = kBlock - 1; j >= 0; --j) {
    insert<Lanes>(list, input(j));
    for (int k = 0; k < kHalf; ++k) Lanes::store(sorted + (j * kHalf + k) * Lanes::kCount, list[k]);
  }
  for (auto& value : list) value = Lanes::infinity();
  for (int64_t j = 0; j < count; ++j) {
    if (j > 0) insert<Lanes>(list, input(kBlock + j - 1));
    output(j, sixteenth_of_union<Lanes>(list, sorted + j * kHalf * Lanes::kCount));
  }
}

}  // namespace
}  // namespace cocola
