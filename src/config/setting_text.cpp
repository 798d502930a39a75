#include "config/setting_text.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace cocola {
namespace {

// A number is written without quotes and holds nothing else.
template <typename Number>
bool parse_number(const YAML::Node& node, Number& value) {
  if (!node.IsScalar() || node.Tag() == "!") return false;
  const std::string& text = node.Scalar();
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && stop == end;
}

// The index of the name an item spells; names.size() when it spells none.
size_t index_of(const std::vector<const char*>& names, const YAML::Node& item) {
  const auto spelled = [&item](const char* name) {
    return item.IsScalar() && item.Scalar() == name;
  };
  return static_cast<size_t>(std::ranges::find_if(names, spelled) - names.begin());
}

std::string one_of(const std::vector<const char*>& names) {
  return fmt::format("one of [{}]", fmt::join(names, ", "));
}

std::string read(const YAML::Node& node, std::string* value) {
  if (!node.IsScalar()) return excerpt(node) + " is not text";
  *value = node.Scalar();
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
  return std::ranges::any_of(*value, is_control) ? "holds a control character" : "";
}

std::string read(const YAML::Node& node, bool* value) {
  const size_t index = index_of({"false", "true"}, node);
  *value = index == 1;
  return index < 2 ? "" : excerpt(node) + " is neither true nor false";
}

std::string read(const YAML::Node& node, int64_t* value) {
  return parse_number(node, *value) ? "" : excerpt(node) + " is not a whole number of 64 bits";
}

std::string read(const YAML::Node& node, uint64_t* value) {
  return parse_number(node, *value) ? "" : excerpt(node) + " is not a whole number in [0, 2^64)";
}

std::string read(const YAML::Node& node, double* value) {
  const bool good = parse_number(node, *value) && std::isfinite(*value);
  return good ? "" : excerpt(node) + " is not a finite number";
}

std::string read(const YAML::Node& node, std::vector<int64_t>* values) {
  if (!node.IsSequence()) return excerpt(node) + " is not a list like [2, 8]";
  values->clear();
  for (const YAML::Node& item : node) {
    const std::string problem = read(item, &values->emplace_back());
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string read(const YAML::Node& node, const Choice& choice) {
  const size_t index = index_of(choice.names, node);
  if (index == choice.names.size()) return excerpt(node) + " is not " + one_of(choice.names);
  choice.set(index);
  return "";
}

std::string read(const YAML::Node& node, const Flags& flags) {
  if (!node.IsSequence()) return excerpt(node) + " is not a list";
  for (bool* flag : flags.values) *flag = false;
  for (const YAML::Node& item : node) {
    const size_t index = index_of(flags.names, item);
    if (index == flags.names.size()) return excerpt(item) + " is not " + one_of(flags.names);
    *flags.values[index] = true;
  }
  return "";
}

// Quoted unless YAML reads the bare word as the same text.
std::string print(const std::string* value) {
  const auto is_bare = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_./-").find(c) != std::string_view::npos;
  };
  const bool is_null_word = *value == "null" || *value == "Null" || *value == "NULL";
  const bool starts_well = !value->empty() && value->front() != '-';
  if (starts_well && !is_null_word && std::ranges::all_of(*value, is_bare)) return *value;
  YAML::Emitter quoted;
  quoted << YAML::DoubleQuoted << *value;
  return quoted.c_str();
}

std::string print(const bool* value) { return *value ? "true" : "false"; }
std::string print(const int64_t* value) { return fmt::format("{}", *value); }
std::string print(const uint64_t* value) { return fmt::format("{}", *value); }
std::string print(const double* value) { return fmt::format("{}", *value); }  // shortest and exact

std::string print(const std::vector<int64_t>* values) {
  return fmt::format("[{}]", fmt::join(*values, ", "));
}

std::string print(const Choice& choice) { return choice.names.at(choice.get()); }

std::string print(const Flags& flags) {
  std::vector<const char*> chosen;
  for (size_t i = 0; i < flags.names.size(); ++i) {
    if (*flags.values[i]) chosen.push_back(flags.names[i]);
  }
  return fmt::format("[{}]", fmt::join(chosen, ", "));
}

}  // namespace

std::string excerpt(const YAML::Node& node) {
  constexpr size_t kLongest = 60;
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  if (!node.IsScalar()) return "nothing";
  const std::string& text = node.Scalar();
  return "'" + (text.size() > kLongest ? text.substr(0, kLongest) + "..." : text) + "'";
}

std::string read_setting(const YAML::Node& node, const Setting& setting) {
  return std::visit([&node](const auto& place) { return read(node, place); }, setting);
}

std::string print_setting(const Setting& setting) {
  return std::visit([](const auto& place) { return print(place); }, setting);
}

}  // namespace cocola
