// Text inside HTML and SVG.
#pragma once
#include <string>
#include <string_view>

namespace cocola {

// Text as markup may hold it, in elements and in quoted attributes: markup escaped, control
// characters replaced. UTF-8 in, UTF-8 out.
std::string escaped_markup(std::string_view text);

}  // namespace cocola
