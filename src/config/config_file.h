// YAML in, RunConfig out; and back, with comments.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace cocola {

// Reads a file, applies overrides "key.path=value" in order, validates.
//
// Throws: UsageError naming file, line, key and value for an unknown key (with the nearest known
// key), a
//         duplicate key, a wrong type, a value out of range, a file over 1 MB, or invalid YAML.
RunConfig load_config(const std::filesystem::path& file, const std::vector<std::string>& overrides);
// The same from text; origin names it in errors.
RunConfig parse_config(const std::string& yaml, const std::string& origin,
                       const std::vector<std::string>& overrides);

// Every key with its value, and with comments when asked (meaning, unit, range). Law:
// parse(print(c)) == c.
std::string print_config(const RunConfig& config, bool with_comments);

}  // namespace cocola
