#include "audio/audio_file.h"

#include <fcntl.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>

#include "audio/audio_container.h"
#include "audio/flac_stream.h"
#include "audio/resample.h"
#include "base/error.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhere = "audio_file";
constexpr int64_t kMinRateHz = 1000, kMaxRateHz = 384000;
constexpr int64_t kMaxChannels = 64;
constexpr int64_t kMaxHours = 4;
constexpr int64_t kBlockFrames = 4096;
constexpr float kLargest = 1e12f;  // its power still fits a float

constexpr std::array kCodings = {SF_FORMAT_PCM_S8, SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16,
                                 SF_FORMAT_PCM_24, SF_FORMAT_PCM_32, SF_FORMAT_FLOAT,
                                 SF_FORMAT_DOUBLE, SF_FORMAT_ULAW,   SF_FORMAT_ALAW,
                                 SF_FORMAT_VORBIS, SF_FORMAT_OPUS,   SF_FORMAT_MPEG_LAYER_III};

void require_regular_file(const struct stat& facts, const std::string& name) {
  if (S_ISDIR(facts.st_mode)) fail(kWhere, "{}: a directory, not an audio file", name);
  if (!S_ISREG(facts.st_mode))
    fail(kWhere, "{}: a pipe, socket or device; only files are read", name);
  if (facts.st_size == 0) fail(kWhere, "{}: empty file", name);
}

class Descriptor {
 public:
  // Opening a pipe could wait for ever and opening a device can act on it, hence the look before;
  // the one after sees a file exchanged in between.
  explicit Descriptor(const std::string& name) {
    struct stat facts {};
    if (stat(name.c_str(), &facts) != 0) fail(kWhere, "{}: {}", name, std::strerror(errno));
    require_regular_file(facts, name);
    fd_ = open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0) fail(kWhere, "{}: {}", name, std::strerror(errno));
    try {
      if (fstat(fd_, &facts) != 0) fail(kWhere, "{}: {}", name, std::strerror(errno));
      require_regular_file(facts, name);
    } catch (...) {
      close(fd_);
      throw;
    }
    size_ = facts.st_size;
  }
  ~Descriptor() { close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int64_t size() const { return size_; }

 private:
  int fd_ = -1;
  int64_t size_ = 0;
};

bool is_container(int sndfile_type, AudioContainer container) {
  switch (container) {
    case AudioContainer::wav:
      return sndfile_type == SF_FORMAT_WAV || sndfile_type == SF_FORMAT_WAVEX;
    case AudioContainer::rf64:
      return sndfile_type == SF_FORMAT_RF64;
    case AudioContainer::w64:
      return sndfile_type == SF_FORMAT_W64;
    case AudioContainer::aiff:
      return sndfile_type == SF_FORMAT_AIFF;
    case AudioContainer::flac:
      return sndfile_type == SF_FORMAT_FLAC;
    case AudioContainer::ogg:
      return sndfile_type == SF_FORMAT_OGG;
    case AudioContainer::mpeg:
      return sndfile_type == SF_FORMAT_MPEG;
  }
  return false;
}

void check_header(const SF_INFO& info, AudioContainer container, const std::string& name) {
  const int coding = info.format & SF_FORMAT_SUBMASK;
  if (!is_container(info.format & SF_FORMAT_TYPEMASK, container) ||
      std::find(kCodings.begin(), kCodings.end(), coding) == kCodings.end()) {
    fail(kWhere, "{}: coding {:#x} is not read; convert it to 16-bit wav or flac", name,
         info.format);
  }
  if (info.samplerate < kMinRateHz || info.samplerate > kMaxRateHz) {
    fail(kWhere, "{}: sampling rate {} Hz, allowed is {} to {} Hz", name, info.samplerate,
         kMinRateHz, kMaxRateHz);
  }
  if (info.channels < 1 || info.channels > kMaxChannels) {
    fail(kWhere, "{}: {} channels, allowed are 1 to {}", name, info.channels, kMaxChannels);
  }
  if (info.frames < 1) fail(kWhere, "{}: holds no samples", name);
  if (info.frames == SF_COUNT_MAX) {
    fail(kWhere, "{}: does not state its length, or has foreign bytes at its end; convert it again",
         name);
  }
  const int64_t longest = kMaxHours * 3600 * info.samplerate;
  if (info.frames > longest) {
    fail(kWhere, "{}: claims {} samples, {} hours ({}) are allowed", name, info.frames, kMaxHours,
         longest);
  }
}

// libsndfile keeps the message of a failed opening in a global.
SNDFILE* open_decoder(int fd, FlacStream* flac, SF_INFO& info, const std::string& name) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  SNDFILE* const file =
      flac != nullptr ? flac->open(info) : sf_open_fd(fd, SFM_READ, &info, SF_FALSE);
  if (file == nullptr) fail(kWhere, "{}: cannot be decoded: {}", name, sf_strerror(nullptr));
  return file;
}

// frames [n, channels] -> mono [n]
void average_channels(const float* frames, size_t channels, std::span<float> mono) {
  const float share = 1.0f / static_cast<float>(channels);
  for (size_t i = 0; i < mono.size(); ++i) {
    float sum = 0.0f;
    for (size_t c = 0; c < channels; ++c) sum += share * frames[i * channels + c];
    mono[i] = sum;
  }
}

// The first sample that is NaN or beyond kLargest; the size of the block without one.
size_t first_unusable(std::span<const float> block) {
  bool all_usable = true;
  for (const float x : block) all_usable &= std::abs(x) <= kLargest;
  if (all_usable) return block.size();
  const auto bad =
      std::find_if(block.begin(), block.end(), [](float x) { return !(std::abs(x) <= kLargest); });
  return static_cast<size_t>(bad - block.begin());
}

}  // namespace

struct AudioFile::Impl {
  explicit Impl(const fs::path& path)
      : name(path.string()),
        descriptor(name),
        container(recognise_container(descriptor.get(), descriptor.size(), name)),
        flac(open_flac()),
        decoder(open_decoder(descriptor.get(), flac.get(), info, name), &sf_close) {
    if (flac && flac->stated_samples() > 0) info.frames = flac->stated_samples();
    check_header(info, container, name);
    block.resize(static_cast<size_t>(kBlockFrames * info.channels));
  }

  std::unique_ptr<FlacStream> open_flac() const {
    if (container != AudioContainer::flac) return nullptr;
    const int fd = descriptor.get();
    const int64_t first_byte = end_of_tags(fd, descriptor.size(), name);
    return std::make_unique<FlacStream>(fd, descriptor.size(), first_byte, name);
  }
  // Refuses a file that goes on behind the length its header claims.
  void require_end() {
    if (!flac || sf_readf_float(decoder.get(), block.data(), 1) <= 0) return;
    fail(kWhere, "{}: its header states {} samples, but more follow; convert it again", name,
         info.frames);
  }

  std::string name;
  Descriptor descriptor;
  AudioContainer container;
  SF_INFO info{};
  std::unique_ptr<FlacStream> flac;  // null for other containers
  std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> decoder;
  std::vector<float> block;  // [kBlockFrames, channels]
  int64_t position = 0;
};

AudioFile::AudioFile(const fs::path& path) : impl_(std::make_unique<Impl>(path)) {}
AudioFile::~AudioFile() = default;
AudioFile::AudioFile(AudioFile&&) noexcept = default;

int64_t AudioFile::sample_rate_hz() const { return impl_->info.samplerate; }
int64_t AudioFile::num_channels() const { return impl_->info.channels; }
int64_t AudioFile::num_samples() const { return impl_->info.frames; }

int64_t AudioFile::read(std::span<float> mono) {
  Impl& s = *impl_;
  const int64_t wanted = std::min(static_cast<int64_t>(mono.size()), s.info.frames - s.position);
  for (int64_t done = 0; done < wanted;) {
    const int64_t n =
        sf_readf_float(s.decoder.get(), s.block.data(), std::min(kBlockFrames, wanted - done));
    if (n <= 0 || sf_error(s.decoder.get()) != SF_ERR_NO_ERROR) {
      fail(kWhere, "{}: damaged or cut short at sample {} of {}: {}", s.name,
           s.position + std::max<int64_t>(n, 0), s.info.frames,
           n <= 0 ? "no more data" : sf_strerror(s.decoder.get()));
    }
    const auto part = mono.subspan(static_cast<size_t>(done), static_cast<size_t>(n));
    average_channels(s.block.data(), static_cast<size_t>(s.info.channels), part);
    const size_t bad = first_unusable(part);
    if (bad < part.size()) {
      fail(kWhere, "{}: sample {} is {}, allowed is [-1e12, 1e12]; repair or remove the file",
           s.name, s.position + static_cast<int64_t>(bad), part[bad]);
    }
    s.position += n;
    done += n;
    if (s.position == s.info.frames) s.require_end();
  }
  return wanted;
}

Waveform read_waveform(const fs::path& path, int64_t sample_rate_hz) {
  AudioFile file(path);
  Waveform waveform;
  waveform.sample_rate_hz = sample_rate_hz == 0 ? file.sample_rate_hz() : sample_rate_hz;
  Resampler resampler(file.sample_rate_hz(), waveform.sample_rate_hz);
  std::vector<float> block(65536);
  while (const int64_t n = file.read(block)) {
    resampler.push(std::span(block).first(static_cast<size_t>(n)), waveform.samples);
  }
  resampler.finish(waveform.samples);
  return waveform;
}

bool has_audio_extension(const fs::path& path) {
  constexpr std::array<std::string_view, 12> kExtensions = {".wav", ".wave", ".rf64", ".w64",
                                                            ".aif", ".aiff", ".aifc", ".flac",
                                                            ".ogg", ".oga",  ".opus", ".mp3"};
  if (path.filename().string().starts_with('.')) return false;
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

}  // namespace cocola
