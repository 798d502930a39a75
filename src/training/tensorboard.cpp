#include <bit>
#include <chrono>
#include <cstring>

#include <unistd.h>

#include "base/error.h"
#include "base/process.h"
#include "training/run_log.h"

// The event file format needs no protobuf library: a record is a length, its checksum, the payload
// and its checksum; the payload uses five fields of two messages.
namespace cocola {
namespace {

static_assert(std::endian::native == std::endian::little, "records are written in memory order");

uint32_t masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

template <typename T>
std::string raw(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(0x80 | (value & 0x7f));
  return bytes + static_cast<char>(value);
}

// Wire types of protocol buffers.
enum Wire : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
std::string tag(uint64_t field, Wire wire) { return varint(field << 3 | wire); }
std::string bytes_field(uint64_t field, const std::string& content) {
  return tag(field, kBytes) + varint(content.size()) + content;
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
  }
  return ~crc;
}

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& directory) {
  path_ = directory / fmt::format("events.out.tfevents.{}.{}.{}", static_cast<int64_t>(wall_time()),
                                  host_name(), getpid());
  file_.open(path_, std::ios::binary);
  record(tag(1, kFixed64) + raw(wall_time()) + bytes_field(3, "brain.Event:2"));
}

void TensorBoardWriter::add(int64_t step, const Scalars& scalars) {
  std::string summary;
  for (const auto& [name, value] : scalars) {
    summary +=
        bytes_field(1, bytes_field(1, name) + tag(2, kFixed32) + raw(static_cast<float>(value)));
  }
  record(tag(1, kFixed64) + raw(wall_time()) + tag(2, kVarint) +
         varint(static_cast<uint64_t>(step)) + bytes_field(5, summary));
}

void TensorBoardWriter::record(const std::string& payload) {
  const std::string length = raw(static_cast<uint64_t>(payload.size()));
  file_ << length << raw(masked(crc32c(length))) << payload << raw(masked(crc32c(payload)));
  file_.flush();
  if (!file_) fail("tensorboard", "{}: writing failed (is the disk full?)", path_.string());
}

}  // namespace cocola
