// Sixteen values at a time as the compiler's vectors, and kernels compiled for several instruction
// sets.
#pragma once
#include <c10/core/ScalarType.h>
#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

// Each kernel is compiled for three levels of x86-64; the loader takes the best this machine has.
// What a kernel calls must be inlined into it, or it would be compiled for the lowest level only.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define COCOLA_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define COCOLA_CLONES
#endif

namespace cocola {

inline constexpr int64_t kLanes = 16;

// What the machine lacks in width it does in several steps.
using Floats [[gnu::vector_size(kLanes * sizeof(float))]] = float;
using Doubles [[gnu::vector_size(kLanes * sizeof(double))]] = double;
using Words [[gnu::vector_size(kLanes * sizeof(uint32_t))]] = uint32_t;
using SignedWords [[gnu::vector_size(kLanes * sizeof(int32_t))]] = int32_t;
using Halves [[gnu::vector_size(kLanes * sizeof(uint16_t))]] = uint16_t;

template <typename Value>
struct Lanes;

template <typename Value, typename VectorType>
struct PlainLanes {
  using Vector = VectorType;
  [[gnu::always_inline]] static inline void load(Vector& to, const Value* from) {
    std::memcpy(&to, from, sizeof(to));
  }
  [[gnu::always_inline]] static inline void store(Value* to, const Vector& from) {
    std::memcpy(to, &from, sizeof(from));
  }
};
template <>
struct Lanes<float> : PlainLanes<float, Floats> {};
template <>
struct Lanes<double> : PlainLanes<double, Doubles> {};

template <>
struct Lanes<c10::BFloat16> {
  using Vector = Floats;
  [[gnu::always_inline]] static inline void load(Vector& to, const c10::BFloat16* from) {
    Halves halves;
    std::memcpy(&halves, from, sizeof(halves));
    const Words words = __builtin_convertvector(halves, Words) << 16;
    std::memcpy(&to, &words, sizeof(to));
  }
  // Rounds to nearest even; what is not a number stays so.
  [[gnu::always_inline]] static inline void store(c10::BFloat16* to, const Vector& from) {
    Words words;
    std::memcpy(&words, &from, sizeof(words));
    Words rounded = (words + 0x7FFFu + ((words >> 16) & 1u)) >> 16;
    // Negative, and so all ones after the shift, where the exponent says so. (Comparisons of
    // vectors wider than the machine's become scalar code.)
    SignedWords magnitude;
    std::memcpy(&magnitude, &from, sizeof(magnitude));
    const SignedWords sign = (0x7F800000 - (magnitude & 0x7FFFFFFF)) >> 31;
    Words no_number;
    std::memcpy(&no_number, &sign, sizeof(no_number));
    rounded = (rounded & ~no_number) | (no_number & 0x7FC0u);
    const Halves halves = __builtin_convertvector(rounded, Halves);
    std::memcpy(to, &halves, sizeof(halves));
  }
};

// Calls run(value, sum) with zeros of the types of images and sums.
template <typename Run>
[[gnu::always_inline]] inline void with_types(c10::ScalarType type, const Run& run) {
  if (type == c10::ScalarType::Double) {
    run(double{}, double{});
  } else if (type == c10::ScalarType::Float) {
    run(float{}, float{});
  } else {
    run(c10::BFloat16{}, float{});
  }
}

template <typename Value>
[[gnu::always_inline]] inline const Value* as(const void* memory, Value) {
  return static_cast<const Value*>(memory);
}
template <typename Value>
[[gnu::always_inline]] inline Value* as(void* memory, Value) {
  return static_cast<Value*>(memory);
}

// Lines first .. last - 1 of images [lines, width] of one or more pixels, so that `width` is a
// multiple of kLanes. type: float32, float64 or bfloat16.
struct ImageLines {
  c10::ScalarType type;
  int64_t width, first, last;
};

// Lines that are worked on together: summed before a sum is rounded to memory.
inline constexpr int kBlock = 16;

// Calls run(block, line) for lines in blocks of kBlock, then for what is left, one by one.
template <typename Run>
[[gnu::always_inline]] inline void in_blocks(const ImageLines& lines, const Run& run) {
  int64_t line = lines.first;
  for (; line + kBlock <= lines.last; line += kBlock) {
    run(std::integral_constant<int, kBlock>{}, line);
  }
  for (; line < lines.last; ++line) run(std::integral_constant<int, 1>{}, line);
}

// What will be read or written soon; addresses outside of any memory do no harm.
[[gnu::always_inline]] inline void fetch_ahead(const void* address) { __builtin_prefetch(address); }
[[gnu::always_inline]] inline void fetch_to_write(const void* address) {
  constexpr int kToWrite = 1;
  __builtin_prefetch(address, kToWrite);
}

// Loads line i of a block at x, and has that of the next block fetched: blocks are read column by
// column, which the processor does not foresee.
template <int kLines, typename Value>
[[gnu::always_inline]] inline void load_line(typename Lanes<Value>::Vector& to, const Value* x,
                                             int64_t width, int64_t i) {
  Lanes<Value>::load(to, x + i * width);
  fetch_ahead(x + (i + kLines) * width);
}

template <int kLines, typename Value>
[[gnu::always_inline]] inline void store_line(Value* to, const typename Lanes<Value>::Vector& from,
                                              int64_t width, int64_t i) {
  fetch_to_write(to + (i + kLines) * width);
  Lanes<Value>::store(to + i * width, from);
}

// Adds to sums in double precision.
template <typename Value>
[[gnu::always_inline]] inline void add_to(double* sums, const typename Lanes<Value>::Vector& more) {
  Doubles total;
  Lanes<double>::load(total, sums);
  total += __builtin_convertvector(more, Doubles);
  Lanes<double>::store(sums, total);
}

}  // namespace cocola
