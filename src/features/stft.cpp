#include "features/stft.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "base/error.h"

namespace cocola {
namespace {

// Windows are made by several threads of ours at a time: each transform stays on its own.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) {
    if (before_ != 1) at::set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) at::set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace

Stft::Stft(const FeatureConfig& config, EdgePadding padding)
    : fft_size_(config.fft_size),
      taper_samples_(config.taper_samples),
      hop_(config.hop_samples),
      padding_(padding) {
  constexpr double kTwoPi = 6.283185307179586476925;
  for (int64_t n = 0; n < taper_samples_; ++n) {
    const double phase = kTwoPi * static_cast<double>(n) / static_cast<double>(taper_samples_);
    taper_.push_back(static_cast<float>(0.5 - 0.5 * std::cos(phase)));
  }
}

void Stft::magnitude(std::span<const float> waveform, std::span<float> out) {
  const at::NoGradGuard no_grad;
  const OneThread one_thread;
  const auto length = static_cast<int64_t>(waveform.size());
  const int64_t num = num_frames(length);
  if (static_cast<int64_t>(out.size()) != num * num_bins()) {
    fail("stft", "{} values of room for {} frames of {} bins", out.size(), num, num_bins());
  }
  if (padding_ == EdgePadding::reflect && length <= fft_size_ / 2) {
    fail("stft", "{} samples; reflected edges need more than {}", length, fft_size_ / 2);
  }
  if (!frames_.defined() || frames_.size(0) != num) {
    frames_ = at::zeros({num, fft_size_}, at::kFloat);
    spectrum_ = at::empty({num, num_bins()}, at::kComplexFloat);
  }
  // Only the samples under the taper are written; the rest of a frame stays zero.
  const int64_t before_taper = (fft_size_ - taper_samples_) / 2;
  float* const frames = frames_.data_ptr<float>();
  for (int64_t f = 0; f < num; ++f) {
    const int64_t start = f * hop_ - fft_size_ / 2 + before_taper;
    float* const frame = frames + f * fft_size_ + before_taper;
    const bool inside = start >= 0 && start + taper_samples_ <= length;
    for (int64_t n = 0; n < taper_samples_; ++n) {
      int64_t at = start + n;
      if (!inside && (at < 0 || at >= length)) {
        if (padding_ == EdgePadding::zeros) {
          frame[n] = 0.0f;
          continue;
        }
        at = at < 0 ? -at : 2 * (length - 1) - at;
      }
      frame[n] = waveform[static_cast<size_t>(at)] * taper_[static_cast<size_t>(n)];
    }
  }
  at::_fft_r2c_out(spectrum_, frames_, {1}, 0, true);
  const auto* const bins = reinterpret_cast<const float*>(spectrum_.const_data_ptr());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = std::sqrt(bins[2 * i] * bins[2 * i] + bins[2 * i + 1] * bins[2 * i + 1]);
  }
}

}  // namespace cocola
