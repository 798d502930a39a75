// Names that may become part of a path.
#pragma once
#include <algorithm>
#include <string_view>

namespace cocola {

inline constexpr size_t kLongestName = 100;

// True for 1 to kLongestName letters, digits, '.', '_' and '-' that start with a letter or digit.
inline bool is_plain_name(std::string_view name) {
  const auto is_letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool spelled = std::ranges::all_of(
      name, [&](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
  return !name.empty() && name.size() <= kLongestName && spelled && is_letter_or_digit(name[0]);
}

}  // namespace cocola
