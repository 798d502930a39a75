#include "base/csv.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"

namespace cocola {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Takes one record after the other off the front of a text.
class CsvScanner {
 public:
  CsvScanner(std::string_view text, const std::string& origin) : rest_(text), origin_(origin) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  // False at the end of the text. `line` becomes the line on which the record starts.
  bool next(std::vector<std::string>& fields, int64_t& line) {
    while (take_line_end()) {
    }
    if (rest_.empty()) return false;
    line = line_;
    fields.clear();
    do {
      fields.push_back(rest_.starts_with('"') ? quoted_field() : plain_field());
    } while (take(","));
    if (!take_line_end() && !rest_.empty()) {
      fail("csv", "{}, line {}: text follows a closing quote; quotes inside a field are doubled",
           origin_, line_);
    }
    return true;
  }

 private:
  bool take(std::string_view prefix) {
    if (!rest_.starts_with(prefix)) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }

  bool take_line_end() {
    if (!take("\r\n") && !take("\n")) return false;
    ++line_;
    return true;
  }

  std::string plain_field() {
    const size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
    const bool is_before_crlf =
        end > 0 && end < rest_.size() && rest_[end] == '\n' && rest_[end - 1] == '\r';
    const std::string field(rest_.substr(0, is_before_crlf ? end - 1 : end));
    if (field.find('"') != std::string::npos) {
      fail("csv",
           "{}, line {}: a quote inside an unquoted field; quote the whole field and double "
           "the quotes in it",
           origin_, line_);
    }
    rest_.remove_prefix(field.size());
    return field;
  }

  std::string quoted_field() {
    const int64_t first_line = line_;
    std::string field;
    take("\"");
    while (true) {
      const size_t end = rest_.find('"');
      if (end == std::string_view::npos) {
        fail("csv", "{}, line {}: a quote is opened and never closed", origin_, first_line);
      }
      field += rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      if (!take("\"")) break;
      field += '"';
    }
    line_ += std::count(field.begin(), field.end(), '\n');
    return field;
  }

  std::string_view rest_;
  const std::string& origin_;
  int64_t line_ = 1;
};

}  // namespace

CsvTable::CsvTable(std::string_view text, std::string origin) : origin_(std::move(origin)) {
  if (text.find('\0') != std::string_view::npos) {
    fail("csv", "{}: has zero bytes; expected text in UTF-8", origin_);
  }
  CsvScanner scanner(text, origin_);
  int64_t line = 0;
  if (!scanner.next(columns_, line)) {
    fail("csv", "{}: is empty; expected a line of column names", origin_);
  }
  check_columns();
  std::vector<std::string> fields;
  while (scanner.next(fields, line)) {
    if (fields.size() != columns_.size()) {
      fail("csv", "{}, line {}: {} fields, but {} columns", origin_, line, fields.size(),
           columns_.size());
    }
    rows_.push_back({line, std::move(fields)});
  }
}

void CsvTable::check_columns() const {
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].empty()) fail("csv", "{}: column {} has no name", origin_, c + 1);
    if (std::find(columns_.begin(), columns_.begin() + static_cast<std::ptrdiff_t>(c),
                  columns_[c]) != columns_.begin() + static_cast<std::ptrdiff_t>(c)) {
      fail("csv", "{}: two columns are called '{}'", origin_, columns_[c]);
    }
  }
}

bool CsvTable::has_column(std::string_view name) const {
  return std::find(columns_.begin(), columns_.end(), name) != columns_.end();
}

size_t CsvTable::column(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) {
    fail("csv", "{}: has no column '{}'; its columns: {}", origin_, name,
         fmt::join(columns_, ", "));
  }
  return static_cast<size_t>(found - columns_.begin());
}

double CsvTable::number(size_t row, size_t column) const {
  const std::string& field = text(row, column);
  double value = 0.0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size() || !std::isfinite(value)) {
    constexpr size_t kShown = 40;
    fail("csv",
         "{}, line {}: column {} is '{}'; expected a finite number (leave a row without a "
         "value out)",
         origin_, line(row), columns_[column], field.substr(0, kShown));
  }
  return value;
}

CsvTable read_csv(const std::filesystem::path& path) {
  return CsvTable(read_file(path, kLargestCsvBytes), path.string());
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace cocola
