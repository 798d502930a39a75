// Made-up stems, as many in a window as asked, and batches of them.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "base/philox.h"
#include "batches/augment.h"
#include "batches/batch_maker.h"
#include "batches/stem_source.h"

namespace cocola::testing {

inline constexpr uint64_t kStemSeed = 0x123456789abcu;

// Window w has stems_in_windows[w] stems of noise up to full scale, and a gain of its own.
class NoisyStems : public StemSource {
 public:
  NoisyStems(int64_t num_samples, std::vector<size_t> stems_in_windows)
      : num_samples_(num_samples), stems_in_windows_(std::move(stems_in_windows)) {}

  int64_t num_samples() const override { return num_samples_; }

  PairStems stems_of(int64_t window, int64_t epoch) override {
    const std::vector<uint8_t> audible(stems_in_windows_[static_cast<size_t>(window)], 1);
    const int64_t key = 5'000'000'011 * (window + 1);  // wider than the 32 bits that draws use
    const float gain = static_cast<float>(1 + window) / 98301.0f;
    return {choose_submixes(audible, kStemSeed, epoch, key), gain, key};
  }

  void read(int64_t window, int stem, std::span<int16_t> out) override {
    PhiloxStream draws(3, DrawPurpose::bootstrap, static_cast<uint32_t>(stem),
                       static_cast<uint64_t>(window), 0);
    for (int16_t& sample : out) sample = static_cast<int16_t>(draws.next_u32() >> 16);
  }

 private:
  int64_t num_samples_;
  std::vector<size_t> stems_in_windows_;
};

// All windows of the source, unmixed.
inline Batch packed_batch(const NoisyStems& stems, std::vector<int64_t> window_ids, int64_t epoch) {
  Batch batch;
  batch.window_ids = std::move(window_ids);
  batch.epoch = epoch;
  const auto maker = make_stem_maker(std::make_unique<NoisyStems>(stems));
  maker->lay_out(batch);
  for (size_t pair = 0; pair < batch.window_ids.size(); ++pair) {
    maker->make_pair(batch, static_cast<int64_t>(pair));
  }
  return batch;
}

}  // namespace cocola::testing
