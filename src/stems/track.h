// A track: one piece of music with its stems, first as files, then as samples.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace cocola {

// One stem of a track: the sum of its files, each resampled by itself. Files that end early are
// silent from there on.
struct StemFiles {
  std::string name;                          // "drums"; unique in its track
  std::vector<std::filesystem::path> files;  // at least one, sorted
};

// What is done with a track whose stems differ in length.
enum class UnequalLengths {
  refuse,  // cut to the shortest if all lie within 50 ms (coder padding), else Error
  cut,     // cut to the shortest
  pad,     // silence is appended up to the longest
};

// Where a track's stems lie. `split` is "train", "valid" or "test".
struct TrackFiles {
  std::string name;
  std::string split;
  std::vector<StemFiles> stems;  // sorted by name; at least two
  UnequalLengths unequal_lengths = UnequalLengths::refuse;
};

// A track that cannot be used as it lies on disk; what() names track and file.
class BadTrackError : public Error {
 public:
  using Error::Error;
};

// Stems of equal length as 16-bit integers: value * gain is the sample in [-1, 1].
class StemSamples {
 public:
  virtual ~StemSamples() = default;
  virtual int64_t num_stems() const = 0;
  virtual int64_t num_samples() const = 0;  // of each stem
  virtual int64_t sample_rate_hz() const = 0;
  // The rate of the files before they were resampled; of the first file of the first stem where
  // files differ.
  virtual int64_t file_sample_rate_hz() const = 0;
  virtual float gain() const = 0;
  // Fills `out` with samples start, start + 1, ... of a stem; all must lie inside the track. Any
  // number of threads may call. Throws: Error when they cannot be read.
  virtual void read(int64_t stem, int64_t start, std::span<int16_t> out) const = 0;
};

// A decoded track (gain is 1/32767 unless a stem peaks above 1). Its samples lie in a nameless file
// that vanishes with the object, or with the process: a track of any length takes no memory.
class Track final : public StemSamples {
 public:
  // Decodes, averages, sums, resamples and quantises every stem into a file in scratch_directory.
  //
  // Throws: BadTrackError for unreadable audio, fewer than two stems and lengths that differ (see
  //         UnequalLengths); Error naming scratch_directory when it cannot be written to.
  // Law:    value * gain differs from the resampled sample by at most half a gain.
  Track(const TrackFiles& files, int64_t sample_rate_hz,
        const std::filesystem::path& scratch_directory);
  ~Track() override;
  Track(Track&&) noexcept;
  Track& operator=(Track&&) noexcept;

  // Appends silence up to num_samples; a track as long as that stays as it is.
  void extend_to(int64_t num_samples);

  const std::string& name() const;
  const std::vector<std::string>& stem_names() const;
  int64_t num_stems() const override;
  int64_t num_samples() const override;
  int64_t sample_rate_hz() const override;
  int64_t file_sample_rate_hz() const override;
  float gain() const override;
  void read(int64_t stem, int64_t start, std::span<int16_t> out) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocola
