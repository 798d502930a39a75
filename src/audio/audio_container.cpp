#include "audio/audio_container.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"

namespace cocola {
namespace {

constexpr const char* kWhere = "audio_file";
constexpr int kMaxChunks = 10000;
constexpr int kMaxTags = 16;
constexpr uint64_t kUnknownSize = 0xFFFFFFFF;
constexpr std::string_view kOggPage("OggS\0", 5);  // and version 0
constexpr int64_t kLargestOggPage = 65307;
constexpr size_t kOggHeaderBytes = 27;
constexpr std::string_view kW64Riff("riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00", 16);

// How a container strings its chunks together.
struct ChunkLayout {
  int64_t first;              // offset of the first chunk
  int64_t id_bytes;           // the identifier starts with four letters
  int64_t size_bytes;         // 4 or 8
  bool big_endian;            // of the size
  bool size_includes_header;  // else the size is that of the content alone
  int64_t alignment;          // of chunk starts
  std::string_view samples;   // first four letters of the chunk that holds the samples
};

constexpr ChunkLayout kRiffLayout = {12, 4, 4, false, false, 2, "data"};
constexpr ChunkLayout kW64Layout = {40, 16, 8, false, true, 8, "data"};
constexpr ChunkLayout kAiffLayout = {12, 4, 4, true, false, 2, "SSND"};

// A file read at chosen offsets; bytes past its end read as zero.
class Source {
 public:
  Source(int fd, int64_t size, const std::string& name) : fd_(fd), size_(size), name_(name) {}

  std::array<char, 40> at(int64_t offset) const {
    std::array<char, 40> bytes{};
    ssize_t n = 0;
    do {
      n = pread(fd_, bytes.data(), bytes.size(), offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0) fail(kWhere, "{}: {}", name_, std::strerror(errno));
    return bytes;
  }
  std::string tail(int64_t longest) const {
    std::string bytes(static_cast<size_t>(std::min(longest, size_)), '\0');
    const ssize_t n = pread(fd_, bytes.data(), bytes.size(), size_ - std::ssize(bytes));
    if (n < 0) fail(kWhere, "{}: {}", name_, std::strerror(errno));
    bytes.resize(static_cast<size_t>(n));
    return bytes;
  }
  int64_t size() const { return size_; }
  const std::string& name() const { return name_; }

 private:
  int fd_;
  int64_t size_;
  const std::string& name_;
};

uint64_t unsigned_number(std::span<const char> bytes, bool big_endian) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t next = big_endian ? i : bytes.size() - 1 - i;
    value = value << 8 | static_cast<unsigned char>(bytes[next]);
  }
  return value;
}

int64_t end_of_tags(const Source& file) {
  int64_t offset = 0;
  for (int tag = 0; tag < kMaxTags; ++tag) {
    const auto head = file.at(offset);
    if (std::string_view(head.data(), 3) != "ID3") break;
    int64_t size = 0;  // four times seven bits
    for (int i = 6; i < 10; ++i) size = size << 7 | (head[static_cast<size_t>(i)] & 0x7F);
    offset += 10 + size;
  }
  return offset;
}

std::optional<AudioContainer> container_of(const Source& file) {
  const int64_t start = end_of_tags(file);
  const auto bytes = file.at(start);
  const std::string_view head(bytes.data(), bytes.size());
  if (head.starts_with("fLaC")) return AudioContainer::flac;
  const auto second = static_cast<unsigned char>(head[1]);
  const bool is_mpeg_layer3 = head[0] == '\xFF' && (second & 0xE6) == 0xE2;
  if (start > 0 || is_mpeg_layer3) return AudioContainer::mpeg;
  const std::string_view kind = head.substr(8, 4);
  if (head.starts_with("RIFF") && kind == "WAVE") return AudioContainer::wav;
  if (head.starts_with("RF64") && kind == "WAVE") return AudioContainer::rf64;
  if (head.starts_with("FORM") && (kind == "AIFF" || kind == "AIFC")) return AudioContainer::aiff;
  if (head.starts_with(kW64Riff)) return AudioContainer::w64;
  if (head.starts_with("OggS")) return AudioContainer::ogg;
  return std::nullopt;
}

void check_claim(const Source& file, uint64_t claim, int64_t begin) {
  const auto present = static_cast<uint64_t>(file.size() - begin);
  if (claim > present) {
    fail(kWhere,
         "{}: cut short: it claims {} bytes of samples, {} are there; copy or download it again",
         file.name(), claim, present);
  }
}

// Finds the chunk of samples and compares its size with the file's.
void check_samples_fit(const Source& file, const ChunkLayout& layout, AudioContainer container) {
  const int64_t header = layout.id_bytes + layout.size_bytes;
  std::optional<uint64_t> long_size;  // of an rf64's samples, from its chunk ds64
  int64_t offset = layout.first;
  for (int i = 0; i < kMaxChunks; ++i) {
    if (offset > file.size() - header) return;  // no samples: the decoder says so
    const auto bytes = file.at(offset);
    const std::string_view id(bytes.data(), 4);
    const std::span<const char> digits(bytes.data() + layout.id_bytes,
                                       static_cast<size_t>(layout.size_bytes));
    uint64_t size = unsigned_number(digits, layout.big_endian);
    if (layout.size_includes_header) {
      if (size < static_cast<uint64_t>(header)) break;
      size -= static_cast<uint64_t>(header);
    }
    if (id == layout.samples) {
      const bool unknown = size == kUnknownSize && layout.size_bytes == 4;
      if (unknown && container == AudioContainer::wav) return;
      check_claim(file, unknown && long_size ? *long_size : size, offset + header);
      return;
    }
    if (container == AudioContainer::rf64 && id == "ds64") {
      long_size = unsigned_number(std::span(bytes).subspan(16, 8), false);
    }
    if (size > static_cast<uint64_t>(file.size() - offset - header)) return;
    offset += header + static_cast<int64_t>(size);
    offset += (layout.alignment - offset % layout.alignment) % layout.alignment;
  }
  fail(kWhere, "{}: broken chunk list at byte {}", file.name(), offset);
}

struct OggPage {
  uint64_t samples = kNoSamples;  // of the stream up to the end of this page
  uint64_t stream = 0;
  static constexpr uint64_t kNoSamples = ~uint64_t{0};  // no packet ends in this page
};

OggPage ogg_page(std::span<const char> header) {
  return {unsigned_number(header.subspan(6, 8), false),
          unsigned_number(header.subspan(14, 4), false)};
}

// Decoders take the length from the last page and leave out what other pages hold beyond it.
void check_ogg_end(const Source& file) {
  const OggPage first = ogg_page(file.at(0));
  const std::string tail = file.tail(2 * kLargestOggPage);
  OggPage last;
  uint64_t most = 0;
  for (size_t at = tail.find(kOggPage); at != std::string::npos; at = tail.find(kOggPage, at + 1)) {
    if (tail.size() - at < kOggHeaderBytes) break;
    const OggPage page = ogg_page(std::span(tail).subspan(at, kOggHeaderBytes));
    if (page.stream != first.stream) {
      fail(kWhere, "{}: holds several streams, of which one would be read; convert it to flac",
           file.name());
    }
    if (page.samples == OggPage::kNoSamples) continue;
    last = page;
    most = std::max(most, page.samples);
  }
  if (last.samples < most) {
    fail(kWhere, "{}: its last page states {} samples, a page before it {}; convert it again",
         file.name(), last.samples, most);
  }
}

}  // namespace

int64_t end_of_tags(int fd, int64_t file_bytes, const std::string& name) {
  return end_of_tags(Source(fd, file_bytes, name));
}

AudioContainer recognise_container(int fd, int64_t file_bytes, const std::string& name) {
  const Source file(fd, file_bytes, name);
  const std::optional<AudioContainer> container = container_of(file);
  if (!container) {
    fail(kWhere,
         "{}: not audio, or of an unknown kind; wav, rf64, w64, aiff, flac, ogg and mp3 are read",
         name);
  }
  switch (*container) {
    case AudioContainer::wav:
    case AudioContainer::rf64:
      check_samples_fit(file, kRiffLayout, *container);
      break;
    case AudioContainer::w64:
      check_samples_fit(file, kW64Layout, *container);
      break;
    case AudioContainer::aiff:
      check_samples_fit(file, kAiffLayout, *container);
      break;
    case AudioContainer::ogg:
      check_ogg_end(file);
      break;
    case AudioContainer::flac:
    case AudioContainer::mpeg:
      break;  // their decoders know where the samples end
  }
  return *container;
}

}  // namespace cocola
