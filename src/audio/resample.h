// Band-limited resampling: windowed sinc (Hann), 6 zero crossings, roll-off 0.99.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace cocola {

// Converts a stream from one rate to another. Reads only the non-zero taps of each phase.
//
// Units:    rates in Hz, [1, 768000]; equal rates copy.
// Requires: push() any number of times with any block sizes, then finish() once.
// Law:      output length is ceil(n * to / from); the result does not depend on how the input was
//           cut; equal to torchaudio.functional.resample (defaults) within 1e-5 of the maximum.
class Resampler {
 public:
  Resampler(int64_t from_hz, int64_t to_hz);

  // Appends to `out` every output sample that is decided by the input so far.
  void push(std::span<const float> in, std::vector<float>& out);
  void finish(std::vector<float>& out);

 private:
  void emit(std::vector<float>& out, int64_t end);

  int64_t from_ = 1, to_ = 1;  // reduced by their greatest common divisor; to_ is also the
                               // number of phases: output m has phase m mod to_
  int64_t num_taps_ = 0;       // of each phase, a multiple of the lanes summed side by side
  std::vector<float> taps_;    // [to_, num_taps_]
  std::vector<int64_t>
      first_tap_;               // [to_], input offset of tap 0, relative to floor(m / to_) * from_
  std::vector<float> pending_;  // input within reach of outputs to come
  int64_t pending_start_ = 0;   // input index of pending_[0]; the input before 0 is silent
  int64_t num_in_ = 0, num_out_ = 0;
};

std::vector<float> resample(std::span<const float> in, int64_t from_hz, int64_t to_hz);

}  // namespace cocola
