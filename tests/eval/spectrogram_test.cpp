#include "eval/spectrogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "eval/png.h"
#include "support/python.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

constexpr Palette kGreys = [] {
  Palette palette{};
  for (size_t i = 0; i < palette.size(); ++i) {
    palette[i] = {static_cast<uint8_t>(17 * i), 0, static_cast<uint8_t>(i)};
  }
  return palette;
}();

// Width, height and shades of a picture, read by Python's own zlib.
struct Picture {
  int64_t width = 0, height = 0;
  std::vector<int> shades;
};

Picture decode(const std::string& png) {
  const testing::TemporaryDirectory folder;
  write_file_atomically(folder / "x.png", png);
  std::istringstream text(testing::run_python(R"(
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n"
at, chunks = 8, {}
while at < len(data):
    size, name = struct.unpack(">I4s", data[at:at + 8])
    body = data[at + 8:at + 8 + size]
    assert struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0] == zlib.crc32(name + body)
    chunks[name] = body
    at += 12 + size
width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
assert (depth, colour) == (4, 3) and len(chunks[b"PLTE"]) == 48 and b"IEND" in chunks
rows, stride = zlib.decompress(chunks[b"IDAT"]), 1 + (width + 1) // 2
assert len(rows) == stride * height and all(rows[y * stride] == 0 for y in range(height))
print(width, height, *(rows[y * stride + 1 + x // 2] >> (0 if x % 2 else 4) & 15
                       for y in range(height) for x in range(width)))
)",
                                              {(folder / "x.png").string()}));
  Picture picture;
  text >> picture.width >> picture.height;
  for (int shade = 0; text >> shade;) picture.shades.push_back(shade);
  return picture;
}

TEST(Png, PicturesOfAnySizeComeBack) {
  for (const auto& [width, height] :
       {std::pair<int64_t, int64_t>{1, 1}, {7, 3}, {8, 2}, {800, 400}}) {
    std::vector<uint8_t> shades;
    for (int64_t i = 0; i < width * height; ++i) {
      shades.push_back(static_cast<uint8_t>((i * 7 + i / width) % kNumShades));
    }
    const Picture picture = decode(indexed_png(shades, width, height, kGreys));
    EXPECT_EQ(picture.width, width);
    EXPECT_EQ(picture.height, height);
    EXPECT_EQ(picture.shades, std::vector<int>(shades.begin(), shades.end()));
  }
  EXPECT_THROW(indexed_png(std::vector<uint8_t>{16}, 1, 1, kGreys), Error);
  EXPECT_THROW(indexed_png(std::vector<uint8_t>{1, 2}, 1, 1, kGreys), Error);
}

TEST(Png, DataUrisAreBase64) {
  EXPECT_EQ(png_data_uri("Many"), "data:image/png;base64,TWFueQ==");
  EXPECT_EQ(png_data_uri("Ma\xff"), "data:image/png;base64,TWH/");
  EXPECT_EQ(png_data_uri("Ma"), "data:image/png;base64,TWE=");
}

Waveform tone(double hz, double seconds, double silent_from, int64_t rate) {
  Waveform wave{{}, rate};
  for (int64_t i = 0; i < std::llround(seconds * static_cast<double>(rate)); ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(rate);
    const double on = t < silent_from ? 0.5 : 0.0;
    wave.samples.push_back(static_cast<float>(on * std::sin(2.0 * std::numbers::pi * hz * t)));
  }
  return wave;
}

TEST(Spectrogram, ATonesRowIsLightWhileItSounds) {
  const FeatureConfig features{.kind = FeatureKind::mel};
  const PairSpectrograms drawn =
      draw_spectrograms(tone(300.0, 20.0, 10.0, 16000), tone(4000.0, 30.0, 30.0, 16000), features);
  ASSERT_EQ(drawn.rows.size(), 2u);
  EXPECT_EQ(drawn.rows[0].label, "A");
  EXPECT_DOUBLE_EQ(drawn.seconds, 20.0);
  const auto loudest_row = [](const Picture& picture, int64_t column) {
    int64_t best = 0;
    for (int64_t y = 0; y < picture.height; ++y) {
      const auto at = [&](int64_t row) {
        return picture.shades[static_cast<size_t>(row * picture.width + column)];
      };
      if (at(y) > at(best)) best = y;
    }
    return best;
  };
  const Picture a = decode(drawn.rows[0].png), b = decode(drawn.rows[1].png);
  EXPECT_EQ(a.width, kMostColumns);
  EXPECT_EQ(a.height, features.mel_bins);
  EXPECT_GT(loudest_row(a, 100), loudest_row(b, 100));  // low bands are at the bottom
  const auto lightest = [&](int64_t column) {
    int most = 0;
    for (int64_t y = 0; y < a.height; ++y) {
      most = std::max(most, a.shades[static_cast<size_t>(y * a.width + column)]);
    }
    return most;
  };
  EXPECT_EQ(lightest(kMostColumns / 4), kNumShades - 1);
  EXPECT_EQ(lightest(3 * kMostColumns / 4), 0);  // silence after 10 of 20 s
}

TEST(Spectrogram, BothChannelsOfBothFilesAreDrawnAndSilenceIsDark) {
  const Waveform silence{std::vector<float>(400), 16000};
  const PairSpectrograms drawn = draw_spectrograms(silence, tone(500.0, 1.0, 1.0, 16000), {});
  ASSERT_EQ(drawn.rows.size(), 4u);
  EXPECT_EQ(drawn.rows[0].label, "A, harmonic");
  EXPECT_EQ(drawn.rows[3].label, "B, percussive");
  EXPECT_DOUBLE_EQ(drawn.seconds, 1024.0 / 16000.0);  // shorter than one transform
  for (const int shade : decode(drawn.rows[0].png).shades) EXPECT_EQ(shade, 0);
}

}  // namespace
}  // namespace cocola
