#include "audio/resample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/error.h"

namespace cocola {
namespace {

constexpr int64_t kMaxRateHz = 768000;
constexpr double kZeroCrossings = 6.0;
constexpr double kRollOff = 0.99;
constexpr int64_t kLanes = 8;

// The windowed sinc at t zero crossings from its centre; t in [-6, 6].
double windowed_sinc(double t) {
  const double angle = std::numbers::pi * t;
  const double taper = std::cos(angle / (2.0 * kZeroCrossings));
  return (t == 0.0 ? 1.0 : std::sin(angle) / angle) * taper * taper;
}

// A sum of floats is vectorised only where its order is spelled out: one sum per lane.
float dot(const float* a, const float* b, int64_t n) {
  float lanes[kLanes] = {};
  for (int64_t i = 0; i < n; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += a[i + l] * b[i + l];
  }
  for (int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (int64_t l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

}  // namespace

Resampler::Resampler(int64_t from_hz, int64_t to_hz) {
  if (std::min(from_hz, to_hz) < 1 || std::max(from_hz, to_hz) > kMaxRateHz) {
    fail("resample", "from {} Hz to {} Hz: rates must lie in [1, {}] Hz", from_hz, to_hz,
         kMaxRateHz);
  }
  const int64_t divisor = std::gcd(from_hz, to_hz);
  from_ = from_hz / divisor;
  to_ = to_hz / divisor;
  if (from_ == to_) return;

  const auto from = static_cast<double>(from_);
  // Zero crossings in from_ input samples, and input samples on each side of the centre.
  const double crossings = kRollOff * static_cast<double>(std::min(from_, to_));
  const double reach = kZeroCrossings * from / crossings;
  num_taps_ = (static_cast<int64_t>(2.0 * reach) + kLanes) / kLanes * kLanes;
  taps_.resize(static_cast<size_t>(to_ * num_taps_));
  first_tap_.resize(static_cast<size_t>(to_));
  for (int64_t phase = 0; phase < to_; ++phase) {
    const double centre = static_cast<double>(phase) / static_cast<double>(to_);
    const auto first = static_cast<int64_t>(std::floor(centre * from - reach)) + 1;
    first_tap_[static_cast<size_t>(phase)] = first;
    for (int64_t k = 0; k < num_taps_; ++k) {
      // The published method places its taps in single precision; exact places would differ from it
      // by twice the tolerance.
      const float offset = static_cast<float>(first + k) / static_cast<float>(from_);
      const float distance = offset - static_cast<float>(phase) / static_cast<float>(to_);
      const float t = distance * static_cast<float>(crossings);
      if (std::abs(t) >= kZeroCrossings) continue;
      taps_[static_cast<size_t>(phase * num_taps_ + k)] =
          static_cast<float>(windowed_sinc(t) * crossings / from);
    }
  }
  pending_start_ = first_tap_[0];
  pending_.assign(static_cast<size_t>(-pending_start_), 0.0f);
}

void Resampler::push(std::span<const float> in, std::vector<float>& out) {
  num_in_ += static_cast<int64_t>(in.size());
  if (from_ == to_) {
    out.insert(out.end(), in.begin(), in.end());
    return;
  }
  pending_.insert(pending_.end(), in.begin(), in.end());
  emit(out, std::numeric_limits<int64_t>::max());
}

void Resampler::finish(std::vector<float>& out) {
  if (from_ == to_) return;
  pending_.resize(pending_.size() + static_cast<size_t>(num_taps_), 0.0f);
  emit(out, (num_in_ * to_ + from_ - 1) / from_);
}

// Computes outputs up to number `end`, as far as the pending input reaches, and forgets the input
// that no later output needs.
void Resampler::emit(std::vector<float>& out, int64_t end) {
  const int64_t last_start = static_cast<int64_t>(pending_.size()) - num_taps_;
  int64_t phase = num_out_ % to_;
  int64_t base = num_out_ / to_ * from_ - pending_start_;
  int64_t start = base + first_tap_[static_cast<size_t>(phase)];
  while (num_out_ < end && start <= last_start) {
    out.push_back(dot(&taps_[static_cast<size_t>(phase * num_taps_)],
                      &pending_[static_cast<size_t>(start)], num_taps_));
    ++num_out_;
    if (++phase == to_) {
      phase = 0;
      base += from_;
    }
    start = base + first_tap_[static_cast<size_t>(phase)];
  }
  const int64_t used = std::min(start, static_cast<int64_t>(pending_.size()));
  pending_.erase(pending_.begin(), pending_.begin() + used);
  pending_start_ += used;
}

std::vector<float> resample(std::span<const float> in, int64_t from_hz, int64_t to_hz) {
  constexpr size_t kBlock = 65536;  // keeps the input in the cache
  Resampler resampler(from_hz, to_hz);
  std::vector<float> out;
  out.reserve(in.size() * static_cast<size_t>(to_hz) / static_cast<size_t>(from_hz) + 1);
  for (size_t done = 0; done < in.size(); done += kBlock) {
    resampler.push(in.subspan(done, std::min(kBlock, in.size() - done)), out);
  }
  resampler.finish(out);
  return out;
}

}  // namespace cocola
