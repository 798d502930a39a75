#include "eval/svg.h"

#include <fmt/format.h>

#include "eval/markup.h"

namespace cocola {
namespace {

// Curves differ in lightness too, for those who see hues less well.
constexpr const char* kStyle = R"(
  svg text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #24292f }
  .back { fill: #ffffff } svg .title { font-size: 16px; font-weight: 600 } svg .quiet { fill: #57606a }
  .grid { stroke: #d8dee4; stroke-width: 1 } .axis { stroke: #57606a; stroke-width: 1 }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round }
  .chance { fill: none; stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 2 4 }
  .s0 { stroke: #0a58ca; stroke-width: 3 } .s1 { stroke: #bc4c00 } .s2 { stroke: #1a7f37 }
  .s3 { stroke: #8250df } .band { fill: #0a58ca; fill-opacity: 0.18; stroke: none }
  .s2 { stroke-dasharray: 9 4 } .s3 { stroke-dasharray: 9 4 2 4 }
  @media (prefers-color-scheme: dark) {
    svg text { fill: #e6edf3 } .back { fill: #0d1117 } svg .quiet { fill: #9198a1 }
    .grid { stroke: #30363d } .axis { stroke: #9198a1 } .chance { stroke: #9198a1 }
    .s0 { stroke: #58a6ff } .s1 { stroke: #f0883e } .s2 { stroke: #56d364 } .s3 { stroke: #d2a8ff }
    .band { fill: #58a6ff; fill-opacity: 0.22 }
  }
)";

}  // namespace

std::string svg_text(double x, double y, const char* attributes, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, attributes,
                     escaped_markup(text));
}

std::string svg_line(const char* style, double x1, double y1, double x2, double y2) {
  return fmt::format(
      "<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", style, x1,
      y1, x2, y2);
}

std::string svg_picture(double width, double height, const std::string& title,
                        const std::string& content) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>{2}</title>\n<style>{3}</style>\n"
      "<rect class=\"back\" width=\"{0}\" height=\"{1}\"/>\n{4}</svg>\n",
      width, height, escaped_markup(title), kStyle, content);
}

}  // namespace cocola
