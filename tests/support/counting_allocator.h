// Counts the bytes of tensors on the CPU.
#pragma once
#include <c10/core/CPUAllocator.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

namespace cocola::testing {

// Bytes of tensors that are alive, and most of them at once since the last reset_peak(). Counted
// while a CountedTensors lives; tensors of one thread at a time.
class CountingAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    constexpr size_t kAlignment = 64;
    void* const memory = std::aligned_alloc(kAlignment, (bytes / kAlignment + 1) * kAlignment);
    live_ += malloc_usable_size(memory);
    peak_ = std::max<size_t>(peak_, live_);
    return {memory, memory, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
  static size_t live() { return live_; }
  static size_t peak() { return peak_; }
  static void reset_peak() { peak_ = live_.load(); }

 private:
  static void release(void* memory) {
    live_ -= malloc_usable_size(memory);
    std::free(memory);
  }
  static inline std::atomic<size_t> live_{0}, peak_{0};
};

// Puts the counting allocator in the place of LibTorch's.
class CountedTensors {
 public:
  CountedTensors() : before_(c10::GetCPUAllocator()) { c10::SetCPUAllocator(&counter_, 1); }
  ~CountedTensors() { c10::SetCPUAllocator(before_, 1); }
  CountedTensors(const CountedTensors&) = delete;
  CountedTensors& operator=(const CountedTensors&) = delete;

 private:
  static inline CountingAllocator counter_;  // tensors of LibTorch's own may outlive a test
  c10::Allocator* before_;
};

}  // namespace cocola::testing
