#include "stems/submix.h"

#include <algorithm>

#include "base/error.h"
#include "base/philox.h"

namespace cocola {
namespace {

// Moves `count` stems, drawn without replacement, out of `stems`. Returns them ascending.
std::vector<int> draw(std::vector<int>& stems, size_t count, PhiloxStream& random) {
  std::vector<int> drawn;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t pick = random.next_below(static_cast<uint32_t>(stems.size()));
    drawn.push_back(stems[pick]);
    stems[pick] = stems.back();
    stems.pop_back();
  }
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

}  // namespace

SubmixChoice choose_submixes(std::span<const uint8_t> audible, uint64_t seed, int64_t epoch,
                             int64_t window) {
  std::vector<int> stems;
  for (size_t i = 0; i < audible.size(); ++i) {
    if (audible[i] != 0) stems.push_back(static_cast<int>(i));
  }
  if (stems.size() < 2) {
    fail("submix", "window {}: {} of {} stems are audible; a pair needs two", window, stems.size(),
         audible.size());
  }
  PhiloxStream random(seed, DrawPurpose::submix, 0, static_cast<uint64_t>(window),
                      static_cast<uint64_t>(epoch));
  // One of 1 .. most.
  const auto draw_size = [&random](size_t most) {
    return size_t{1} + random.next_below(static_cast<uint32_t>(most));
  };
  SubmixChoice choice;
  choice.anchor = draw(stems, draw_size(stems.size() - 1), random);
  choice.positive = draw(stems, draw_size(stems.size()), random);
  return choice;
}

// The anchor has n / 2 on average, the positive half of one more than it leaves.
double expected_stems(int64_t num_audible) {
  const double anchor = static_cast<double>(num_audible) / 2;
  return anchor + (static_cast<double>(num_audible) - anchor + 1) / 2;
}

void add_stem(std::span<const int16_t> stem, float gain, std::span<float> mix) {
  if (stem.size() != mix.size()) {
    fail("submix", "a stem of {} samples cannot be added to a sub-mix of {}", stem.size(),
         mix.size());
  }
  for (size_t i = 0; i < mix.size(); ++i) mix[i] += gain * static_cast<float>(stem[i]);
}

}  // namespace cocola
