// A document of texts, tables and pictures, and its three forms: Markdown, HTML and JSON. All say
// the same, number for number, because numbers enter as the text that is shown.
#pragma once
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace cocola {

struct DocumentTable {
  std::string name;                            // key in JSON
  std::vector<std::string> columns;            // UTF-8
  std::vector<std::vector<std::string>> rows;  // as many cells as columns
};

struct DocumentPicture {
  std::string svg;  // of eval/svg.h
};

struct DocumentSection {
  std::string name, title;              // key in JSON, heading
  std::vector<std::string> paragraphs;  // before the tables
  std::vector<DocumentTable> tables;
  std::vector<DocumentPicture> pictures;  // HTML alone shows them
  std::vector<std::string> points;        // a list at the end
};

struct Document {
  std::string title, summary;
  std::vector<DocumentSection> sections;
};

// Text that is markup in the form is shown as it is.
std::string to_markdown(const Document& document);
// One file without scripts that needs no other; follows the reader's light or dark scheme.
std::string to_html(const Document& document);
// {"title", "summary", "sections": {name: {"paragraphs": [...], "tables": {name: [{column: cell}]},
// "points": [...]}}}. A cell that is a number is one.
OrderedJson to_json(const Document& document);

}  // namespace cocola
