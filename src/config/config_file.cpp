#include "config/config_file.h"

#include <algorithm>
#include <map>

#include "base/atomic_file.h"
#include "base/error.h"
#include "config/config_fields.h"
#include "config/nearest_key.h"
#include "config/setting_text.h"
#include "config/yaml_document.h"

namespace cocola {
namespace {

// Where each key was set, for errors that are found after reading.
using Places = std::map<std::string, std::string>;

// Reads one document, or one override, into the places its table of fields points to.
class Reader {
 public:
  Reader(const YamlOrigin& origin, Places& places) : origin_(origin), places_(places) {}

  // Entries of a mapping whose keys are prefix + key; a mapping without a value has none.
  void read_mapping(const YAML::Node& node, const std::string& prefix,
                    const std::vector<Field>& fields) {
    for (const auto& entry : node) {
      read_entry(entry.second, prefix + entry.first.Scalar(), fields,
                 origin_.at(entry.first.Mark()));
    }
  }

  // The value of one key: a setting, or a section of settings.
  void read_entry(const YAML::Node& node, const std::string& path, const std::vector<Field>& fields,
                  const std::string& place) {
    places_[path] = place;
    const auto field = std::ranges::find(fields, path, &Field::path);
    if (field != fields.end()) return read_field(node, *field, place);
    const bool is_section = std::ranges::any_of(
        fields, [&](const Field& other) { return other.path.starts_with(path + "."); });
    if (!is_section) {
      refuse(place, fmt::format("{} is not a known key; {}", path, suggest_key(path, fields)));
    }
    if (!node.IsMap() && !node.IsNull()) {
      refuse(place,
             fmt::format("{} is a section with keys of its own, not {}", path, excerpt(node)));
    }
    read_mapping(node, path + ".", fields);
  }

 private:
  void read_field(const YAML::Node& node, const Field& field, const std::string& place) {
    if (node.IsNull()) refuse(place, fmt::format("{} has no value. {}", field.path, field.doc));
    if (const auto* datasets = std::get_if<std::vector<DatasetConfig>*>(&field.place)) {
      return read_datasets(node, field, **datasets, place);
    }
    const std::string problem = read_setting(node, std::get<Setting>(field.place));
    if (!problem.empty()) refuse(place, fmt::format("{}: {}. {}", field.path, problem, field.doc));
  }

  void read_datasets(const YAML::Node& node, const Field& field,
                     std::vector<DatasetConfig>& datasets, const std::string& place) {
    if (!node.IsSequence()) {
      refuse(place, fmt::format("{}: {} is not a list. {}", field.path, excerpt(node), field.doc));
    }
    datasets.assign(node.size(), {});
    for (size_t i = 0; i < datasets.size(); ++i) {
      const std::string path = fmt::format("{}.{}", field.path, i);
      places_[path] = origin_.at(node[i].Mark());
      if (!node[i].IsMap()) {
        refuse(places_[path],
               fmt::format("{}: {} is not a mapping. {}", path, excerpt(node[i]), field.doc));
      }
      read_mapping(node[i], path + ".", fields_of(datasets[i], path + "."));
    }
  }

  [[noreturn]] void refuse(const std::string& place, const std::string& problem) const {
    throw UsageError("config", place + ": " + problem);
  }

  const YamlOrigin& origin_;
  Places& places_;
};

// Where a key was set; if it was not, where the nearest section around it was.
std::string place_of(std::string key, const Places& places, const std::string& origin) {
  while (!places.contains(key)) {
    const size_t dot = key.rfind('.');
    if (dot == std::string::npos) return origin;
    key.resize(dot);
  }
  return places.at(key);
}

// Puts the place before a message of validate().
void validate_naming_places(const RunConfig& config, const Places& places,
                            const std::string& origin) {
  try {
    config.validate();
  } catch (const UsageError& e) {
    fail_usage("config", "{}: {}: {}", place_of(e.where(), places, origin), e.where(), e.message());
  }
}

void apply_override(const std::string& text, const std::vector<Field>& fields, Places& places) {
  const YamlOrigin origin{"--set " + text};
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    fail_usage("config", "{}: write --set key.path=value", origin.name);
  }
  const YAML::Node value = parse_yaml_strictly(text.substr(equals + 1), origin);
  Reader(origin, places).read_entry(value, text.substr(0, equals), fields, origin.name);
}

std::string print_fields(const std::vector<Field>& fields, size_t indent, bool with_comments);

// One "- key: value" block for each item.
std::string print_datasets(std::vector<DatasetConfig>& datasets, size_t indent) {
  std::string text;
  for (DatasetConfig& dataset : datasets) {
    std::string item = print_fields(fields_of(dataset, ""), indent + 2, false);
    item[indent] = '-';
    text += item;
  }
  return text;
}

// What follows "key:", up to the end of its last line.
std::string print_place(const Field& field, size_t indent) {
  const auto* const datasets = std::get_if<std::vector<DatasetConfig>*>(&field.place);
  if (datasets == nullptr) {
    return fmt::format(" {}\n", print_setting(std::get<Setting>(field.place)));
  }
  if ((*datasets)->empty()) return " []\n";
  return fmt::format("\n{}", print_datasets(**datasets, indent + 2));
}

// Fields of one section follow each other, so a section opens where a path first enters it.
std::string print_fields(const std::vector<Field>& fields, size_t indent, bool with_comments) {
  std::string text, open;  // open: the section of the last line, with its dot
  for (const Field& field : fields) {
    const std::string& path = field.path;
    size_t depth = indent, start = 0;
    for (size_t dot; (dot = path.find('.', start)) != std::string::npos; start = dot + 1) {
      if (!open.starts_with(path.substr(0, dot + 1))) {
        if (with_comments && start == 0) text += '\n';
        text += fmt::format("{:{}}{}:\n", "", depth, path.substr(start, dot - start));
      }
      depth += 2;
    }
    open = path.substr(0, start);
    if (with_comments) text += fmt::format("{:{}}# {}\n", "", depth, field.doc);
    text += fmt::format("{:{}}{}:{}", "", depth, path.substr(start), print_place(field, depth));
  }
  return text;
}

}  // namespace

RunConfig parse_config(const std::string& yaml, const std::string& origin,
                       const std::vector<std::string>& overrides) {
  RunConfig config;
  Places places;
  const std::vector<Field> fields = fields_of(config);
  const YamlOrigin file{origin, true};
  const YAML::Node document = parse_yaml_strictly(yaml, file);
  if (!document.IsMap() && !document.IsNull()) {
    fail_usage("config", "{}: {} is not a mapping of keys to values", origin, excerpt(document));
  }
  Reader(file, places).read_mapping(document, "", fields);
  for (const std::string& text : overrides) apply_override(text, fields, places);
  config.features.sample_rate_hz = config.data.sample_rate_hz;
  validate_naming_places(config, places, origin);
  return config;
}

RunConfig load_config(const std::filesystem::path& file,
                      const std::vector<std::string>& overrides) {
  std::string text;
  try {
    text = read_file(file, kLargestYaml);
  } catch (const Error& e) {
    throw UsageError("config", e.what());
  }
  return parse_config(text, file.string(), overrides);
}

std::string print_config(const RunConfig& config, bool with_comments) {
  RunConfig copy = config;
  const std::string head =
      with_comments ? "# Every key with its value. Relative paths start at the working directory.\n"
                      "# A key that is left out has its default; --set key.path=value comes last.\n"
                    : "";
  return head + print_fields(fields_of(copy), 0, with_comments);
}

}  // namespace cocola
