#include "config/yaml_document.h"

#include <map>
#include <vector>

#include "base/error.h"

namespace cocola {
namespace {

constexpr int kMaxDepth = 16;
constexpr int kMaxValues = 10'000;
constexpr size_t kLongestKey = 100;

bool is_word(const YAML::Node& key) {
  return key.IsScalar() && key.Scalar().size() <= kLongestKey &&
         key.Scalar().find('.') == std::string::npos;
}

// Visits every value as often as aliases repeat it: small texts can expand without end.
class Checker {
 public:
  explicit Checker(const YamlOrigin& origin) : origin_(origin) {}

  void check(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth) refuse(node, fmt::format("nested deeper than {} levels", kMaxDepth));
    if (++num_values_ > kMaxValues) {
      refuse(node, fmt::format("more than {} values, repeated aliases included", kMaxValues));
    }
    // yaml-cpp marks plain values with "?" and quoted ones with "!".
    const std::string& tag = node.Tag();
    if (!tag.empty() && tag != "?" && tag != "!") {
      refuse(node, fmt::format("the tag {} is not allowed; write the value alone", tag));
    }
    if (node.IsMap()) check_keys(node);
    if (node.IsSequence()) {
      for (const YAML::Node& item : node) check(item, depth + 1);
    }
    if (node.IsMap()) {
      for (const auto& entry : node) check(entry.second, depth + 1);
    }
  }

 private:
  void check_keys(const YAML::Node& map) const {
    std::map<std::string, int> line_of;
    for (const auto& entry : map) {
      if (!is_word(entry.first)) refuse(entry.first, "a key must be a single word without dots");
      const std::string& key = entry.first.Scalar();
      const auto [first, is_new] = line_of.emplace(key, entry.first.Mark().line + 1);
      if (!is_new) {
        refuse(entry.first,
               fmt::format("the key {} appears twice (first on line {})", key, first->second));
      }
    }
  }

  [[noreturn]] void refuse(const YAML::Node& node, const std::string& problem) const {
    throw UsageError("config", origin_.at(node.Mark()) + ": " + problem);
  }

  const YamlOrigin& origin_;
  int num_values_ = 0;
};

}  // namespace

std::string YamlOrigin::at(const YAML::Mark& mark) const {
  return has_lines && !mark.is_null() ? fmt::format("{}:{}", name, mark.line + 1) : name;
}

YAML::Node parse_yaml_strictly(const std::string& text, const YamlOrigin& origin) {
  if (text.size() > kLargestYaml) {
    fail_usage("config", "{}: {} bytes, at most {} are accepted", origin.name, text.size(),
               kLargestYaml);
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) {
      fail_usage("config", "{}: holds {} documents, one is expected", origin.name,
                 documents.size());
    }
    if (documents.empty()) return YAML::Node();
    Checker(origin).check(documents[0], 0);
    return documents[0];
  } catch (const YAML::Exception& e) {
    fail_usage("config", "{}: not valid YAML: {}", origin.at(e.mark), e.msg);
  }
}

}  // namespace cocola
