#include "stems/track.h"

#include <algorithm>
#include <cmath>

#include "audio/audio_file.h"
#include "audio/resample.h"
#include "stems/scratch_file.h"

namespace cocola {
namespace {

constexpr float kFullScale = 32767.0f;
constexpr double kCoderPaddingSeconds = 0.05;
constexpr size_t kBlockSamples = 65536;

template <typename... Args>
[[noreturn]] void fail_track(fmt::format_string<Args...> text, Args&&... args) {
  throw BadTrackError("track", fmt::format(text, std::forward<Args>(args)...));
}

// One file as a stream at another rate. Never holds more than a block of it.
class ResampledFile {
 public:
  ResampledFile(const std::filesystem::path& path, int64_t sample_rate_hz)
      : file_(path), resampler_(file_.sample_rate_hz(), sample_rate_hz), block_(kBlockSamples) {}

  int64_t file_sample_rate_hz() const { return file_.sample_rate_hz(); }

  // Adds the next samples to `sum`; returns how many, fewer than sum.size() only at the end.
  size_t add_to(std::span<float> sum) {
    while (ready_.size() < sum.size() && !ended_) {
      const int64_t n = file_.read(block_);
      ended_ = n == 0;
      if (ended_) {
        resampler_.finish(ready_);
      } else {
        resampler_.push(std::span(block_).first(static_cast<size_t>(n)), ready_);
      }
    }
    const size_t count = std::min(sum.size(), ready_.size());
    for (size_t i = 0; i < count; ++i) sum[i] += ready_[i];
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }

 private:
  AudioFile file_;
  Resampler resampler_;
  std::vector<float> block_, ready_;
  bool ended_ = false;
};

// Where a stem lies in the scratch file.
struct Extent {
  int64_t first = 0;
  int64_t size = 0;
};

struct DecodedStem {
  float peak = 0.0f;
  int64_t file_sample_rate_hz = 0;  // of its first file
};

// Samples beyond the integers' range are clipped; the peak before it is returned.
float quantise(std::span<const float> values, float scale, std::span<int16_t> out) {
  float peak = 0.0f;
  for (size_t i = 0; i < values.size(); ++i) {
    peak = std::max(peak, std::abs(values[i]));
    out[i] =
        static_cast<int16_t>(std::lrint(std::clamp(values[i] * scale, -kFullScale, kFullScale)));
  }
  return peak;
}

// Appends a stem to `out`.
DecodedStem decode_stem(const StemFiles& stem, int64_t sample_rate_hz, float scale,
                        ScratchFile& out) {
  std::vector<ResampledFile> files;
  files.reserve(stem.files.size());
  for (const auto& path : stem.files) files.emplace_back(path, sample_rate_hz);
  std::vector<float> sum(kBlockSamples);
  std::vector<int16_t> integers(kBlockSamples);
  DecodedStem decoded{0.0f, files.front().file_sample_rate_hz()};
  for (size_t count = kBlockSamples; count == kBlockSamples;) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    count = 0;
    for (ResampledFile& file : files) count = std::max(count, file.add_to(sum));
    const auto part = std::span(integers).first(count);
    decoded.peak = std::max(decoded.peak, quantise(std::span(sum).first(count), scale, part));
    out.append(part);
  }
  return decoded;
}

}  // namespace

struct Track::Impl {
  Impl(const TrackFiles& files, int64_t rate, const std::filesystem::path& directory)
      : name(files.name), sample_rate_hz(rate), scratch(directory) {
    if (files.stems.size() < 2) {
      fail_track("{}: {} stems; a track needs at least two to form a pair", name,
                 files.stems.size());
    }
    for (const StemFiles& stem : files.stems) stem_names.push_back(stem.name);
    const float peak = decode(files, kFullScale);
    if (peak > 1.0f) {
      // Loud tracks are decoded twice: cheaper than keeping every track as floats.
      gain = peak / kFullScale;
      decode(files, kFullScale / peak);
    }
    num_samples = common_length(files);
  }

  // Every stem into the scratch file. Returns the highest peak.
  float decode(const TrackFiles& files, float scale) {
    scratch.clear();
    extents.clear();
    float peak = 0.0f;
    for (const StemFiles& stem : files.stems) {
      const int64_t first = scratch.size();
      try {
        const DecodedStem decoded = decode_stem(stem, sample_rate_hz, scale, scratch);
        peak = std::max(peak, decoded.peak);
        if (extents.empty()) file_sample_rate_hz = decoded.file_sample_rate_hz;
      } catch (const ScratchError&) {
        throw;
      } catch (const Error& error) {
        fail_track("{}: {}", name, error.what());
      }
      extents.push_back({first, scratch.size() - first});
    }
    return peak;
  }

  int64_t common_length(const TrackFiles& files) const {
    const auto [shortest, longest] = std::ranges::minmax_element(extents, {}, &Extent::size);
    if (files.unequal_lengths == UnequalLengths::pad) return longest->size;
    const auto rate = static_cast<double>(sample_rate_hz);
    const auto difference = static_cast<double>(longest->size - shortest->size);
    if (files.unequal_lengths == UnequalLengths::refuse &&
        difference > kCoderPaddingSeconds * rate) {
      const auto named = [&](auto extent) {
        return files.stems[static_cast<size_t>(extent - extents.begin())].files.front().string();
      };
      fail_track(
          "{}: stems differ in length: {} lasts {:.3f} s, {} lasts {:.3f} s; at most {} s are cut "
          "unless the data set says lengths: cut or pad",
          name, named(shortest), static_cast<double>(shortest->size) / rate, named(longest),
          static_cast<double>(longest->size) / rate, kCoderPaddingSeconds);
    }
    return shortest->size;
  }

  std::string name;
  std::vector<std::string> stem_names;
  int64_t sample_rate_hz;
  int64_t file_sample_rate_hz = 0;
  float gain = 1.0f / kFullScale;
  int64_t num_samples = 0;
  ScratchFile scratch;
  std::vector<Extent> extents;  // of the stems
};

Track::Track(const TrackFiles& files, int64_t sample_rate_hz,
             const std::filesystem::path& scratch_directory)
    : impl_(std::make_unique<Impl>(files, sample_rate_hz, scratch_directory)) {}
Track::~Track() = default;
Track::Track(Track&&) noexcept = default;
Track& Track::operator=(Track&&) noexcept = default;

void Track::extend_to(int64_t num_samples) {
  // What lies behind the cut of a longer stem is no silence.
  for (Extent& extent : impl_->extents) extent.size = std::min(extent.size, impl_->num_samples);
  impl_->num_samples = std::max(impl_->num_samples, num_samples);
}

const std::string& Track::name() const { return impl_->name; }
const std::vector<std::string>& Track::stem_names() const { return impl_->stem_names; }
int64_t Track::num_stems() const { return static_cast<int64_t>(impl_->extents.size()); }
int64_t Track::num_samples() const { return impl_->num_samples; }
int64_t Track::sample_rate_hz() const { return impl_->sample_rate_hz; }
int64_t Track::file_sample_rate_hz() const { return impl_->file_sample_rate_hz; }
float Track::gain() const { return impl_->gain; }

void Track::read(int64_t stem, int64_t start, std::span<int16_t> out) const {
  const Extent& extent = impl_->extents[static_cast<size_t>(stem)];
  const auto wanted = static_cast<int64_t>(out.size());
  const auto present = static_cast<size_t>(std::clamp<int64_t>(extent.size - start, 0, wanted));
  impl_->scratch.read(extent.first + start, out.first(present));
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(present), out.end(), int16_t{0});
}

}  // namespace cocola
