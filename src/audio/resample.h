// Band-limited resampling: windowed sinc (Hann), 6 zero crossings, roll-off 0.99.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace cocola {

// Converts a stream from one rate to another. Reads only the non-zero taps of each phase.
//
// Units:    rates in Hz, [1, 768000].
// Requires: push() any number of times with any block sizes, then finish() once.
// Law:      output length is ceil(n * to / from); the result does not depend on how the input was
// cut;
//           equal to torchaudio.functional.resample (defaults) within 1e-5 of the maximum.
class Resampler {
 public:
  Resampler(int64_t from_hz, int64_t to_hz);

  // Appends to `out` every output sample that is decided by the input so far.
  void push(std::span<const float> in, std::vector<float>& out);
  void finish(std::vector<float>& out);

 private:
  void emit(std::vector<float>& out, bool last);

  int64_t from_ = 1, to_ = 1;  // reduced by their greatest common divisor
  struct Phase {
    int64_t first = 0;  // input offset of the first non-zero tap, relative to the phase's base
    std::vector<float> taps;
  };
  std::vector<Phase> phases_;
  std::vector<float> pending_;  // input not yet out of reach
  int64_t pending_start_ = 0, num_in_ = 0, num_out_ = 0;
};

std::vector<float> resample(std::span<const float> in, int64_t from_hz, int64_t to_hz);

}  // namespace cocola
