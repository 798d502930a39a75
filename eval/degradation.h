// Damage to a waveform, in graded strengths: what a score of fit should fall with.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cocola {

enum class Damage { time_shift, time_stretch, pitch_shift, detune, wrong_song, level };

struct DamageKind {
  Damage damage;
  std::string_view name, unit;
  std::vector<double> strengths;  // ascending, above 0
};

// All kinds, with the strengths that are measured. The strength of wrong_song is the share of
// windows that get the sound of another song: no matter of one waveform, see response.h.
const std::vector<DamageKind>& damage_kinds();

// Each keeps the number of samples, and returns its input for a strength of 0.
//
// Range: sample_rate_hz above 0; factors in [0.25, 4].

// Later by this time; what leaves at the end comes in at the start, so no sound is lost.
std::vector<float> shift_in_time(std::span<const float> samples, double milliseconds,
                                 int64_t sample_rate_hz);

// Slower by this factor at the same pitch, by a phase vocoder; what goes beyond the end is cut, and
// silence follows where factor is below 1.
std::vector<float> stretch_in_time(std::span<const float> samples, double factor,
                                   int64_t sample_rate_hz);

// Higher at the same tempo: stretched, then resampled. Exact to 0.3 cents.
std::vector<float> shift_pitch(std::span<const float> samples, double semitones,
                               int64_t sample_rate_hz);

// Quieter by this many dB.
std::vector<float> attenuate(std::span<const float> samples, double decibels);

// One of the above. Throws: Error for wrong_song.
std::vector<float> damaged(std::span<const float> samples, Damage damage, double strength,
                           int64_t sample_rate_hz);

}  // namespace cocola
