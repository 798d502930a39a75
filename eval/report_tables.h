// The tables of a report page, as HTML.
#pragma once
#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace cocola {

// A number of a document with its place and its full length as attributes; "none" for null. The
// format is of fmt, for the number times `scale`.
//
// Requires: a number or null at the JSON pointer `path`.
std::string number_markup(const OrderedJson& document, const std::string& path,
                          std::string_view format = "{:.4f}", double scale = 1.0);
// A text of a document with its place; empty for null or a missing key.
std::string text_markup(const OrderedJson& document, const std::string& path);

// What a pair is called.
std::string pair_name_markup(const OrderedJson& document, size_t index);

std::string summary_markup(const OrderedJson& document);
std::string pairs_table(const OrderedJson& document);
// Empty without a comparison.
std::string comparison_markup(const OrderedJson& document);
// Empty when every file has its partner.
std::string unmatched_markup(const OrderedJson& document);

}  // namespace cocola
