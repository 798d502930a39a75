#include "eval/document.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/log.h"
#include "eval/markup.h"

namespace cocola {
namespace {

// Of at most 15 digits, which a JSON reader keeps; a longer one is a name of digits.
std::optional<double> number_in(const std::string& cell) {
  constexpr size_t kLongest = 16;
  if (cell.size() > kLongest) return std::nullopt;
  double value = 0.0;
  const char* const end = cell.data() + cell.size();
  const auto [stop, problem] = std::from_chars(cell.data(), end, value);
  if (problem != std::errc() || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Control characters out, and what Markdown would obey behind a backslash.
std::string in_markdown(const std::string& text) {
  std::string safe;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos) safe += '\\';
    safe += c;
  }
  return safe;
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) row += fmt::format(" {} |", in_markdown(cell));
  return row + "\n";
}

std::string markdown_table(const DocumentTable& table) {
  std::string text = "\n" + markdown_row(table.columns) + "|";
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const bool is_number = !table.rows.empty() && number_in(table.rows.front()[c]).has_value();
    text += is_number ? " ---: |" : " --- |";
  }
  text += "\n";
  for (const auto& row : table.rows) text += markdown_row(row);
  return text;
}

// Narrow screens scroll wide tables and pictures sideways, paper never does.
constexpr const char* kStyle = R"(
  :root { color-scheme: light dark }
  body { font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif;
    max-width: 60rem; margin: 0 auto; padding: 1rem; color: #24292f; background: #ffffff }
  h1 { font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere }
  h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; border-bottom: 1px solid #d8dee4 }
  .wide { overflow-x: auto; margin: 0.75rem 0 }
  table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums }
  th, td { padding: 0.25rem 0.75rem 0.25rem 0; text-align: left; vertical-align: top;
    border-bottom: 1px solid #d8dee4 }
  td:last-child { overflow-wrap: anywhere }
  th.n, td.n { text-align: right } td.n { white-space: nowrap }
  .pictures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
    overflow-x: auto }
  .pictures svg { width: 100%; height: auto }
  .pictures svg:only-child { min-width: 36rem }
  @media (prefers-color-scheme: dark) {
    body { color: #e6edf3; background: #0d1117 } h2, th, td { border-color: #30363d }
  }
  @media print {
    body { max-width: none; padding: 0; font-size: 10.5pt; color: #000000; background: #ffffff }
    .wide, .pictures { overflow: visible } tr, svg { break-inside: avoid } h2 { break-after: avoid }
  }
)";

std::string html_row(const std::vector<std::string>& cells, const char* tag,
                     const std::vector<bool>& is_number) {
  std::string row = "<tr>";
  for (size_t c = 0; c < cells.size(); ++c) {
    row += fmt::format("<{}{}>{}</{}>", tag, is_number[c] ? " class=\"n\"" : "",
                       escaped_markup(cells[c]), tag);
  }
  return row + "</tr>\n";
}

std::string html_table(const DocumentTable& table) {
  std::vector<bool> is_number;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    is_number.push_back(!table.rows.empty() && number_in(table.rows.front()[c]).has_value());
  }
  std::string text = "<div class=\"wide\"><table>\n<thead>" +
                     html_row(table.columns, "th", is_number) + "</thead>\n<tbody>\n";
  for (const auto& row : table.rows) text += html_row(row, "td", is_number);
  return text + "</tbody></table></div>\n";
}

std::string html_section(const DocumentSection& section) {
  std::string text = fmt::format("<section>\n<h2>{}</h2>\n", escaped_markup(section.title));
  for (const std::string& paragraph : section.paragraphs) {
    text += fmt::format("<p>{}</p>\n", escaped_markup(paragraph));
  }
  for (const DocumentTable& table : section.tables) text += html_table(table);
  if (!section.pictures.empty()) {
    text += "<div class=\"pictures\">\n";
    for (const DocumentPicture& picture : section.pictures) text += picture.svg;
    text += "</div>\n";
  }
  if (!section.points.empty()) {
    text += "<ul>\n";
    for (const std::string& point : section.points) {
      text += fmt::format("<li>{}</li>\n", escaped_markup(point));
    }
    text += "</ul>\n";
  }
  return text + "</section>\n";
}

OrderedJson table_to_json(const DocumentTable& table) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& row : table.rows) {
    OrderedJson cells = OrderedJson::object();
    for (size_t c = 0; c < row.size(); ++c) {
      // 0123 is a number to people, not to JSON.
      const OrderedJson parsed = OrderedJson::parse(row[c], nullptr, /*allow_exceptions=*/false);
      cells[table.columns[c]] =
          number_in(row[c]) && parsed.is_number() ? parsed : OrderedJson(row[c]);
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

}  // namespace

std::string to_markdown(const Document& document) {
  std::string text =
      fmt::format("# {}\n\n{}\n", in_markdown(document.title), in_markdown(document.summary));
  for (const DocumentSection& section : document.sections) {
    text += fmt::format("\n## {}\n", in_markdown(section.title));
    for (const std::string& paragraph : section.paragraphs) {
      text += fmt::format("\n{}\n", in_markdown(paragraph));
    }
    for (const DocumentTable& table : section.tables) text += markdown_table(table);
    if (!section.points.empty()) text += "\n";
    for (const std::string& point : section.points) {
      text += fmt::format("- {}\n", in_markdown(point));
    }
  }
  return text;
}

std::string to_html(const Document& document) {
  std::string text = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n<p>{2}</p>\n",
      escaped_markup(document.title), kStyle, escaped_markup(document.summary));
  for (const DocumentSection& section : document.sections) text += html_section(section);
  return text + "</body>\n</html>\n";
}

OrderedJson to_json(const Document& document) {
  OrderedJson sections = OrderedJson::object();
  for (const DocumentSection& section : document.sections) {
    OrderedJson tables = OrderedJson::object();
    for (const DocumentTable& table : section.tables) tables[table.name] = table_to_json(table);
    sections[section.name] = {{"title", section.title},
                              {"paragraphs", section.paragraphs},
                              {"tables", tables},
                              {"points", section.points}};
  }
  return {{"title", document.title}, {"summary", document.summary}, {"sections", sections}};
}

}  // namespace cocola
