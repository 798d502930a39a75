#include "config/nearest_key.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string_view>

namespace cocola {
namespace {

// Fewest insertions, deletions and replacements of characters that turn a into b.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

std::string_view section_of(std::string_view path) {
  const size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot + 1);
}

std::string_view last_word_of(std::string_view path) {
  return path.substr(section_of(path).size());
}

// A key in another section costs one edit, however different the sections are called.
size_t distance(std::string_view unknown, std::string_view known) {
  const size_t elsewhere = section_of(unknown) == section_of(known) ? 0 : 1;
  return std::min(edit_distance(unknown, known),
                  edit_distance(last_word_of(unknown), last_word_of(known)) + elsewhere);
}

// Settings and the sections that hold them.
std::set<std::string> all_keys(const std::vector<Field>& fields) {
  std::set<std::string> keys;
  for (const Field& field : fields) {
    for (std::string_view key = field.path; !key.empty();) {
      keys.emplace(key);
      key = section_of(key);
      if (!key.empty()) key.remove_suffix(1);
    }
  }
  return keys;
}

}  // namespace

std::string suggest_key(const std::string& unknown, const std::vector<Field>& fields) {
  std::string nearest;
  std::vector<std::string> siblings;
  size_t too_many = 2 + last_word_of(unknown).size() / 4;
  for (const std::string& known : all_keys(fields)) {
    if (section_of(known) == section_of(unknown)) siblings.push_back(known);
    const size_t edits = distance(unknown, known);
    if (edits >= too_many) continue;
    too_many = edits;
    nearest = known;
  }
  if (!nearest.empty()) return fmt::format("did you mean {}?", nearest);
  return fmt::format("known here: {}", fmt::join(siblings, ", "));
}

}  // namespace cocola
