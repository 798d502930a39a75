// What all pictures are drawn with: text and lines of SVG, and one style, that of curves s0 to s3
// included. A picture needs no other file, and follows the reader's light or dark scheme.
#pragma once
#include <string>

namespace cocola {

std::string svg_text(double x, double y, const char* attributes, const std::string& text);
std::string svg_line(const char* style, double x1, double y1, double x2, double y2);

// The whole picture: opening tag, title for who cannot see it, style, background, `content`.
std::string svg_picture(double width, double height, const std::string& title,
                        const std::string& content);

}  // namespace cocola
