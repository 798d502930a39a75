// One setting as YAML, in both directions. Law: read_setting of print_setting changes nothing.
#pragma once
#include <yaml-cpp/yaml.h>

#include <string>

#include "config/config_fields.h"

namespace cocola {

// Moves a value from YAML into its place. Returns what is wrong with it, or nothing; the place may
// hold anything afterwards if something is.
std::string read_setting(const YAML::Node& node, const Setting& setting);

// One line of YAML.
std::string print_setting(const Setting& setting);

// How a value is shown in an error: shortened text, or what it is instead of text.
std::string excerpt(const YAML::Node& node);

}  // namespace cocola
