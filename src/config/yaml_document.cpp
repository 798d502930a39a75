#include "config/yaml_document.h"

#include <yaml-cpp/eventhandler.h>

#include <map>
#include <sstream>

#include "base/error.h"
#include "base/json.h"

namespace cocola {
namespace {

constexpr int kMaxDepth = 16;
constexpr int kMaxValues = 10'000;
constexpr size_t kLongestKey = 100;

// A JSON string is UTF-8, and its writer checks that.
bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

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

struct IgnoreEvents : YAML::EventHandler {
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// YAML::Load drops what follows the first document; YAML::LoadAll never ends on a stray ','.
bool has_more_than_one_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  IgnoreEvents ignore;
  parser.HandleNextDocument(ignore);
  return static_cast<bool>(parser);
}

}  // namespace

std::string YamlOrigin::at(const YAML::Mark& mark) const {
  return has_lines && !mark.is_null() ? fmt::format("{}:{}", name, mark.line + 1) : name;
}

YAML::Node parse_yaml_strictly(const std::string& text, const YamlOrigin& origin) {
  if (text.size() > kLargestYaml) {
    fail_usage("config", "{}: {} bytes, at most {} are accepted", origin.name, text.size(),
               kLargestYaml);
  }
  if (!is_utf8(text)) fail_usage("config", "{}: is not UTF-8 text", origin.name);
  try {
    if (has_more_than_one_document(text)) {
      fail_usage("config", "{}: something follows the first document, or a ',' or '}}' is astray",
                 origin.name);
    }
    const YAML::Node document = YAML::Load(text);
    Checker(origin).check(document, 0);
    return document;
  } catch (const YAML::Exception& e) {
    fail_usage("config", "{}: not valid YAML: {}", origin.at(e.mark), e.msg);
  }
}

}  // namespace cocola
