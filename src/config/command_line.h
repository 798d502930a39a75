// The command line all programs share.
#pragma once
#include <string>
#include <vector>

#include "config/run_config.h"

namespace cocola {

struct CommandLine {
  RunConfig config;  // loaded and validated when --config was given, defaults otherwise
  bool has_config = false;
  bool print_config = false;
  bool dry_run = false;
  int64_t as_world = 0;
  bool json = false;
  std::string model;               // --model
  std::vector<std::string> files;  // positional
};

// Which options beyond --config, --set, --print-config, --help and --version a program takes.
struct CommandLineSpec {
  std::string program;     // "cocola_score"
  std::string summary;     // one sentence
  std::string positional;  // e.g. "A B"; empty: no file arguments
  bool takes_json = false, takes_model = false, takes_dry_run = false, requires_config = true;
};

// Handles --help, --version and --print-config itself (prints and returns false: the program ends
// with status 0). Throws: UsageError for an unknown option, a missing value, or a missing --config.
bool parse_command_line(const CommandLineSpec& spec, int argc, char** argv, CommandLine& out);

extern const char* const kVersion;  // "0.1.0"

}  // namespace cocola
