// Small pictures that a page can carry inside itself.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace cocola {

inline constexpr int kNumShades = 16;
using Palette = std::array<std::array<uint8_t, 3>, kNumShades>;  // red, green, blue

// A PNG file of kNumShades colours, four bits a pixel, not compressed.
//
// Shapes: shades row-major [height, width], each below kNumShades; width and height at least 1.
std::string indexed_png(std::span<const uint8_t> shades, int64_t width, int64_t height,
                        const Palette& palette);

// "data:image/png;base64,..."
std::string png_data_uri(const std::string& png);

}  // namespace cocola
