// Draws the two sub-mixes of one training pair from the stems of one window.
// Mixing happens on waveforms, before features: features of stems cannot be summed.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace cocola {

// Indices of stems, ascending; no stem is in both.
struct SubmixChoice {
  std::vector<int> anchor;
  std::vector<int> positive;
};

// Chooses two disjoint non-empty subsets of the audible stems: the anchor's size is uniform on 1 ..
// n-1 and its members uniform without replacement; the positive's size is uniform on 1 ..
// n-|anchor|, from the rest.
//
// Shapes: audible [N], non-zero where the stem may be drawn.
// Random: decided by (seed, epoch, window) alone.
// Throws: Error if fewer than two stems are audible.
// Law:    with two audible stems the pair is the two stems themselves, in either order.
// See:    paper, section III-A.
SubmixChoice choose_submixes(std::span<const uint8_t> audible, uint64_t seed, int64_t epoch,
                             int64_t window);

// How many stems the two sub-mixes of a pair have together, on average over draws. num_audible
// >= 2.
double expected_stems(int64_t num_audible);

// Adds value * gain of one stem's samples to a sub-mix. stem and mix have the same length.
void add_stem(std::span<const int16_t> stem, float gain, std::span<float> mix);

}  // namespace cocola
