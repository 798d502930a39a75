// CSV from strangers (RFC 4180): a header of column names, then rows; errors name file and line.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cocola {

// Fields are separated by commas; quoted ones may hold commas, line ends and doubled quotes. Lines
// end with LF or CRLF. A byte order mark and blank lines are passed over; spaces belong to fields.
class CsvTable {
 public:
  // `origin` names the text in errors.
  //
  // Throws: Error for a missing header, columns without a name or with one name, a row with more or
  //         fewer fields than columns, quotes inside an unquoted field or text after a closing one,
  //         a quote that is never closed, and zero bytes (text that is not UTF-8).
  CsvTable(std::string_view text, std::string origin);

  const std::string& origin() const { return origin_; }
  const std::vector<std::string>& columns() const { return columns_; }
  bool has_column(std::string_view name) const;
  // Throws: Error naming the missing column and those there are.
  size_t column(std::string_view name) const;

  size_t num_rows() const { return rows_.size(); }
  // Line of the file on which a row starts, from 1.
  int64_t line(size_t row) const { return rows_[row].line; }
  const std::string& text(size_t row, size_t column) const { return rows_[row].fields[column]; }
  // Throws: Error naming line, column and field unless all of the field is one finite number.
  double number(size_t row, size_t column) const;

 private:
  struct Row {
    int64_t line;
    std::vector<std::string> fields;
  };
  void check_columns() const;

  std::string origin_;
  std::vector<std::string> columns_;
  std::vector<Row> rows_;
};

inline constexpr uint64_t kLargestCsvBytes = uint64_t{16} << 20;

// Throws: Error when unreadable or larger than kLargestCsvBytes, and what CsvTable throws.
CsvTable read_csv(const std::filesystem::path& path);

// A field as it is written: quoted where it has to be.
// Law: CsvTable reads it back.
std::string csv_field(const std::string& text);

}  // namespace cocola
