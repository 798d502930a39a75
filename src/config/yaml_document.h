// YAML from strangers: bounded, without tags and duplicate keys. Meaning is left to config_file.
#pragma once
#include <yaml-cpp/yaml.h>

#include <string>

namespace cocola {

// Names a text in errors.
struct YamlOrigin {
  std::string name;        // "configs/all.yaml", or the override itself
  bool has_lines = false;  // lines say something to the user

  // "configs/all.yaml:12"; the name alone without lines.
  std::string at(const YAML::Mark& mark) const;
};

inline constexpr size_t kLargestYaml = 1 << 20;

// The one document of a text; null when it is empty.
//
// Throws: UsageError naming the place for invalid YAML or UTF-8, more than one document, over 1 MB,
//         depth over 16, over 10,000 values once aliases are expanded, a tag, a key that is not a
//         word without dots, or a key that appears twice in one mapping.
YAML::Node parse_yaml_strictly(const std::string& text, const YamlOrigin& origin);

}  // namespace cocola
