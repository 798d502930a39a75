// Decodes audio files to mono float32, in blocks: a long file needs no more memory than a block.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace cocola {

// A mono signal. samples in [-1, 1] for integer files; float files may exceed it.
struct Waveform {
  std::vector<float> samples;
  int64_t sample_rate_hz = 0;
};

// An open file. Channels are averaged. wav, rf64, w64, aiff, flac, ogg, and mp3 where libsndfile
// has it, with PCM 8/16/24/32, float, double, mu-law and A-law, FLAC, Vorbis, Opus and MPEG layer
// III coding.
//
// Throws: Error naming the file when it is no regular file (it is then not opened), cannot be
//         opened, is not audio, is cut short, uses another container or coding, has a rate outside
//         [1000, 384000] Hz, more than 64 channels, no samples, or claims over 4 hours.
class AudioFile {
 public:
  explicit AudioFile(const std::filesystem::path& path);
  ~AudioFile();
  AudioFile(AudioFile&&) noexcept;
  AudioFile& operator=(AudioFile&&) = delete;

  int64_t sample_rate_hz() const;
  int64_t num_channels() const;
  // What the header claims; reading may find less, which is an error of read().
  int64_t num_samples() const;

  // Decodes up to mono.size() further samples; returns how many, 0 only at the end.
  // Throws: Error with the position for a NaN, an infinite value or one beyond 1e12, and for data
  //         that is damaged, ends before the header's claim (truncated file) or goes on behind it.
  int64_t read(std::span<float> mono);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The whole file, resampled to sample_rate_hz (0 keeps the file's rate).
Waveform read_waveform(const std::filesystem::path& path, int64_t sample_rate_hz);

// True for names that end in an extension AudioFile can be expected to open; hidden files
// ("._x.wav") are not.
bool has_audio_extension(const std::filesystem::path& path);

}  // namespace cocola
