// The command line all programs share.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace cocola {

struct CommandLine {
  RunConfig config;  // loaded and validated when --config was given, defaults otherwise
  bool has_config = false;
  bool print_config = false;
  bool dry_run = false;
  int64_t as_world = 0;  // --as-world, at least 1; 0 when not given
  // --part I/N: part_index in [0, num_parts).
  int64_t part_index = 0, num_parts = 1;
  bool rebuild = false;
  bool json = false;
  std::string model;               // --model
  std::vector<std::string> files;  // positional
};

// An option of one program alone, with a text as its value.
struct TextOption {
  std::string name;        // "ratings" for --ratings
  std::string value_name;  // "FILE"
  std::string help;
  std::string* value = nullptr;  // stays as it is when the option is not given
  bool required = false;
};

// An option of one program alone, without a value.
struct FlagOption {
  std::string name;  // "tables" for --tables
  std::string help;
  bool* value = nullptr;
};

// Which options a program takes beside --help and --version.
struct CommandLineSpec {
  std::string program;     // "cocola_score"
  std::string summary;     // one sentence
  std::string positional;  // e.g. "A B"; empty: no file arguments
  bool takes_json = false, takes_model = false;
  bool takes_dry_run = false;  // --dry-run and --as-world
  bool takes_part = false;     // --part and --rebuild
  // Whether --config, --set and --print-config are options, and whether --config must be given.
  bool takes_config = true, requires_config = true;
  std::vector<TextOption> own = {};
  std::vector<FlagOption> flags = {};
};

// Handles --help, --version and --print-config itself (prints and returns false: the program ends
// with status 0). Without --config, overrides apply to the defaults.
//
// Throws: UsageError for an unknown or repeated option, a missing or wrong value, files where none
//         are taken, or a missing --config; and what load_config throws.
bool parse_command_line(const CommandLineSpec& spec, int argc, char** argv, CommandLine& out);

// The text of an option of a program's own (CommandLineSpec::own) that is a number.
// Throws: UsageError naming the option unless it is a whole number in [least, most].
int64_t whole_number_of(const std::string& option, const std::string& text, int64_t least,
                        int64_t most);

extern const char* const kVersion;  // "0.1.0"

}  // namespace cocola
