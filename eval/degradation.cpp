#include "eval/degradation.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/istft.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/stft.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "audio/resample.h"
#include "base/error.h"

namespace cocola {
namespace {

constexpr double kTurn = 2.0 * std::numbers::pi;

std::vector<float> copy_of(std::span<const float> samples) {
  return {samples.begin(), samples.end()};
}

// Frames at the times 0, 1 / factor, 2 / factor, ... of the input: magnitudes between those of the
// two frames around, phases advancing as they do from one to the other.
//
// Shapes: frames [bins, F] complex, `hop` samples apart.
at::Tensor stretched_frames(const at::Tensor& frames, double factor, int64_t hop) {
  const int64_t num_bins = frames.size(0), num_frames = frames.size(1);
  const at::Tensor times =
      at::arange(std::ceil(static_cast<double>(num_frames) * factor), at::kDouble) / factor;
  const at::Tensor before = times.floor().to(at::kLong).clamp_max(num_frames - 1);
  const at::Tensor padded = at::constant_pad_nd(frames, {0, 1});
  const at::Tensor left = padded.index_select(1, before);
  const at::Tensor right = padded.index_select(1, before + 1);
  const at::Tensor magnitude = at::lerp(left.abs(), right.abs(), times - before);

  const double advance_of_bin =
      kTurn * static_cast<double>(hop) / (2.0 * static_cast<double>(num_bins - 1));
  const at::Tensor expected = (at::arange(num_bins, at::kDouble) * advance_of_bin).unsqueeze(1);
  const at::Tensor excess = right.angle() - left.angle() - expected;
  const at::Tensor advance = excess - kTurn * (excess / kTurn).round() + expected;
  const at::Tensor phase = frames.narrow(1, 0, 1).angle() + advance.cumsum(1) - advance;
  return at::polar(magnitude, phase);
}

// All of the stretched sound.
std::vector<float> vocoded(std::span<const float> samples, double factor, int64_t sample_rate_hz) {
  constexpr double kFrameSeconds = 0.05;  // at least: a power of two of samples
  const at::NoGradGuard no_grad;
  const auto fft_size = static_cast<int64_t>(std::bit_ceil(
      static_cast<uint64_t>(std::ceil(kFrameSeconds * static_cast<double>(sample_rate_hz)))));
  const int64_t hop = fft_size / 4;
  const at::Tensor taper = at::hann_window(fft_size, at::kDouble);
  const std::vector<double> wide(samples.begin(), samples.end());
  const at::Tensor input = at::tensor(wide, at::kDouble);
  const at::Tensor frames = at::stft(input, fft_size, hop, fft_size, taper, /*center=*/true,
                                     "constant", /*normalized=*/false, /*onesided=*/true,
                                     /*return_complex=*/true);
  const int64_t length = std::llround(static_cast<double>(samples.size()) * factor);
  const at::Tensor output =
      at::istft(stretched_frames(frames, factor, hop), fft_size, hop, fft_size, taper,
                /*center=*/true, /*normalized=*/false, /*onesided=*/true, length)
          .to(at::kFloat)
          .contiguous();
  const float* const first = output.const_data_ptr<float>();
  return {first, first + length};
}

void check_factor(double factor) { require_range("degradation", factor, 0.25, 4.0); }

}  // namespace

const std::vector<DamageKind>& damage_kinds() {
  static const std::vector<DamageKind> kinds = {
      {Damage::time_shift, "time_shift", "ms", {20, 50, 100, 200}},
      {Damage::time_stretch, "time_stretch", "% slower", {2, 5, 10, 20}},
      {Damage::pitch_shift, "pitch_shift", "semitones", {1, 2, 4, 6}},
      {Damage::detune, "detune", "cents", {10, 20, 35, 50}},
      {Damage::wrong_song, "wrong_song", "share", {0.25, 0.5, 0.75, 1}},
      {Damage::level, "level", "dB quieter", {6, 12, 24, 36}},
  };
  return kinds;
}

std::vector<float> shift_in_time(std::span<const float> samples, double milliseconds,
                                 int64_t sample_rate_hz) {
  std::vector<float> result = copy_of(samples);
  if (result.empty()) return result;
  const auto length = static_cast<int64_t>(result.size());
  const int64_t shift = std::llround(milliseconds * static_cast<double>(sample_rate_hz) / 1000.0);
  const int64_t new_first = ((-shift) % length + length) % length;
  std::rotate(result.begin(), result.begin() + new_first, result.end());
  return result;
}

std::vector<float> stretch_in_time(std::span<const float> samples, double factor,
                                   int64_t sample_rate_hz) {
  check_factor(factor);
  if (factor == 1.0 || samples.empty()) return copy_of(samples);
  std::vector<float> result = vocoded(samples, factor, sample_rate_hz);
  result.resize(samples.size(), 0.0f);
  return result;
}

std::vector<float> shift_pitch(std::span<const float> samples, double semitones,
                               int64_t sample_rate_hz) {
  constexpr int64_t kStepsOfFactor = 4000;  // resampling needs a ratio of whole numbers
  const double exact = std::exp2(semitones / 12.0);
  check_factor(exact);
  const int64_t steps = std::llround(exact * static_cast<double>(kStepsOfFactor));
  if (steps == kStepsOfFactor || samples.empty()) return copy_of(samples);
  const double factor = static_cast<double>(steps) / static_cast<double>(kStepsOfFactor);
  std::vector<float> result =
      resample(vocoded(samples, factor, sample_rate_hz), steps, kStepsOfFactor);
  result.resize(samples.size(), 0.0f);
  return result;
}

std::vector<float> attenuate(std::span<const float> samples, double decibels) {
  const auto gain = static_cast<float>(std::pow(10.0, -decibels / 20.0));
  std::vector<float> result = copy_of(samples);
  for (float& sample : result) sample *= gain;
  return result;
}

std::vector<float> damaged(std::span<const float> samples, Damage damage, double strength,
                           int64_t sample_rate_hz) {
  switch (damage) {
    case Damage::time_shift:
      return shift_in_time(samples, strength, sample_rate_hz);
    case Damage::time_stretch:
      return stretch_in_time(samples, 1.0 + strength / 100.0, sample_rate_hz);
    case Damage::pitch_shift:
      return shift_pitch(samples, strength, sample_rate_hz);
    case Damage::detune:
      return shift_pitch(samples, strength / 100.0, sample_rate_hz);
    case Damage::level:
      return attenuate(samples, strength);
    case Damage::wrong_song:
      break;
  }
  fail("degradation", "wrong_song is no damage to one waveform");
}

}  // namespace cocola
