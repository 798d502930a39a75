#include "eval/png.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"

namespace cocola {
namespace {

void append_u32(std::string& bytes, uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>((value >> shift) & 0xff);
}

// The checksum of PNG's chunks: CRC-32 with the reflected polynomial 0xedb88320.
uint32_t crc32_of(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

// The checksum of zlib's streams.
uint32_t adler32_of(std::string_view bytes) {
  uint32_t low = 1, high = 0;
  for (const char c : bytes) {
    low = (low + static_cast<unsigned char>(c)) % 65521;
    high = (high + low) % 65521;
  }
  return high << 16 | low;
}

void append_chunk(std::string& file, const std::string& name, const std::string& content) {
  append_u32(file, static_cast<uint32_t>(content.size()));
  file += name + content;
  append_u32(file, crc32_of(name + content));
}

// A zlib stream of stored blocks.
std::string stored(const std::string& content) {
  constexpr size_t kMost = 65535;
  std::string stream = "\x78\x01";
  for (size_t start = 0; start < content.size(); start += kMost) {
    const size_t size = std::min(kMost, content.size() - start);
    stream += start + size == content.size() ? '\1' : '\0';
    for (const size_t value : {size, ~size}) {
      stream += static_cast<char>(value & 0xff);
      stream += static_cast<char>((value >> 8) & 0xff);
    }
    stream.append(content, start, size);
  }
  append_u32(stream, adler32_of(content));
  return stream;
}

// Each row: filter 0 (none), then two pixels a byte.
std::string rows_of(std::span<const uint8_t> shades, int64_t width, int64_t height) {
  std::string rows;
  for (int64_t y = 0; y < height; ++y) {
    rows += '\0';
    const auto row = shades.subspan(static_cast<size_t>(y * width), static_cast<size_t>(width));
    for (size_t x = 0; x < row.size(); x += 2) {
      const int right = x + 1 < row.size() ? row[x + 1] : 0;
      rows += static_cast<char>(row[x] << 4 | right);
    }
  }
  return rows;
}

}  // namespace

std::string indexed_png(std::span<const uint8_t> shades, int64_t width, int64_t height,
                        const Palette& palette) {
  if (width < 1 || height < 1 || static_cast<int64_t>(shades.size()) != width * height ||
      std::ranges::any_of(shades, [](uint8_t shade) { return shade >= kNumShades; })) {
    fail("png", "{} shades for {} x {} pixels; expected one below {} for each", shades.size(),
         width, height, kNumShades);
  }
  std::string header, colours;
  append_u32(header, static_cast<uint32_t>(width));
  append_u32(header, static_cast<uint32_t>(height));
  header += std::string("\x04\x03\x00\x00\x00", 5);  // four bits, palette
  for (const auto& colour : palette) {
    for (const uint8_t part : colour) colours += static_cast<char>(part);
  }
  std::string file = "\x89PNG\r\n\x1a\n";
  append_chunk(file, "IHDR", header);
  append_chunk(file, "PLTE", colours);
  append_chunk(file, "IDAT", stored(rows_of(shades, width, height)));
  append_chunk(file, "IEND", "");
  return file;
}

std::string png_data_uri(const std::string& png) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string uri = "data:image/png;base64,";
  for (size_t i = 0; i < png.size(); i += 3) {
    const size_t count = std::min<size_t>(3, png.size() - i);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (k < count ? static_cast<unsigned char>(png[i + k]) : 0u);
    }
    for (size_t k = 0; k < 4; ++k) {
      uri += k <= count ? kDigits[(bits >> (18 - 6 * k)) & 63] : '=';
    }
  }
  return uri;
}

}  // namespace cocola
