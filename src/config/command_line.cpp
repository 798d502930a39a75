#include "config/command_line.h"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <charconv>
#include <iostream>

#include "base/error.h"
#include "config/config_file.h"

namespace cocola {

namespace po = boost::program_options;

const char* const kVersion = COCOLA_VERSION;

namespace {

constexpr const char* kFiles = "file";  // Boost's name for what is not an option

struct RawOptions {
  std::string config;
  std::vector<std::string> overrides;
  std::string part;
  bool help = false, version = false;
};

// The whole command line of a program. A new setting becomes a key of the YAML file instead.
po::options_description describe_options(const CommandLineSpec& spec, RawOptions& raw,
                                         CommandLine& out) {
  po::options_description options("Options");
  auto add = options.add_options();
  if (spec.takes_config) {
    add("config", po::value(&raw.config)->value_name("FILE"), "YAML file of the experiment");
    add("set", po::value(&raw.overrides)->composing()->value_name("KEY.PATH=VALUE"),
        "override one setting, after the file; may be repeated");
    add("print-config", po::bool_switch(&out.print_config),
        "print every key with meaning, range and value as YAML, and end");
  }
  if (spec.takes_model) {
    add("model", po::value(&out.model)->value_name("FILE"), "model file (safetensors)");
  }
  if (spec.takes_dry_run) {
    add("dry-run", po::bool_switch(&out.dry_run),
        "check configuration, shards and batch arithmetic, estimate memory, and end");
    add("as-world", po::value(&out.as_world)->value_name("N"), "with --dry-run: as if N ranks ran");
  }
  if (spec.takes_part) {
    add("part", po::value(&raw.part)->value_name("I/N"),
        "do only part I of N, I from 0; the parts may run at once and anywhere");
    add("rebuild", po::bool_switch(&out.rebuild),
        "build again what was made with other settings or from other files");
  }
  for (const TextOption& option : spec.own) {
    add(option.name.c_str(), po::value(option.value)->value_name(option.value_name),
        option.help.c_str());
  }
  for (const FlagOption& flag : spec.flags) {
    add(flag.name.c_str(), po::bool_switch(flag.value), flag.help.c_str());
  }
  if (spec.takes_json) {
    add("json", po::bool_switch(&out.json), "print one JSON document on standard output");
  }
  add("help", po::bool_switch(&raw.help), "print this text, and end");
  add("version", po::bool_switch(&raw.version), "print the version, and end");
  return options;
}

void print_help(const CommandLineSpec& spec, const po::options_description& options) {
  std::cout << fmt::format("Usage: {}{}{} [options]{}{}\n{}\n\n", spec.program,
                           spec.takes_config && spec.requires_config ? " --config FILE" : "",
                           spec.takes_model ? " --model FILE" : "",
                           spec.positional.empty() ? "" : " ", spec.positional, spec.summary)
            << options;
  if (!spec.takes_config) return;
  std::cout << fmt::format(
      "\nSettings are YAML: defaults, then --config, then each --set in order. '{} "
      "--print-config'\n"
      "lists every key and is itself a file for --config. A relative path in a file starts at the\n"
      "working directory.\n",
      spec.program);
}

void parse_words(const CommandLineSpec& spec, const po::options_description& options, int argc,
                 char** argv, CommandLine& out) {
  po::options_description all;
  all.add(options).add_options()(kFiles, po::value(&out.files));
  po::positional_options_description files;
  files.add(kFiles, -1);
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  try {
    const po::parsed_options parsed =
        po::command_line_parser(argc, argv).options(all).positional(files).style(style).run();
    for (const po::option& option : parsed.options) {
      const bool is_typed = option.position_key < 0;
      if (is_typed && option.string_key == kFiles)
        throw po::unknown_option("--" + option.string_key);
    }
    po::variables_map values;
    po::store(parsed, values);
    po::notify(values);
    out.has_config = values.count("config") != 0;
    if (values.count("as-world") != 0 && (!out.dry_run || out.as_world < 1)) {
      fail_usage("command line", "--as-world {} needs --dry-run and a number from 1 on",
                 out.as_world);
    }
  } catch (const po::error& e) {
    fail_usage("command line", "{}; see {} --help", e.what(), spec.program);
  }
  if (spec.positional.empty() && !out.files.empty()) {
    fail_usage("command line", "'{}' is not an option; see {} --help", out.files[0], spec.program);
  }
}

void parse_part(const std::string& text, CommandLine& out) {
  const char* const end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, out.part_index);
  const bool has_slash = index.ec == std::errc() && index.ptr != end && *index.ptr == '/';
  const auto count = has_slash ? std::from_chars(index.ptr + 1, end, out.num_parts) : index;
  if (!has_slash || count.ec != std::errc() || count.ptr != end || out.part_index < 0 ||
      out.part_index >= out.num_parts) {
    fail_usage("command line", "--part '{}': write I/N with I from 0 to N - 1, as in 0/8", text);
  }
  if (out.rebuild) {
    fail_usage("command line",
               "--part and --rebuild do not go together: run --rebuild once, alone");
  }
}

}  // namespace

bool parse_command_line(const CommandLineSpec& spec, int argc, char** argv, CommandLine& out) {
  RawOptions raw;
  const po::options_description options = describe_options(spec, raw, out);
  parse_words(spec, options, argc, argv, out);
  if (raw.help) {
    print_help(spec, options);
    return false;
  }
  if (raw.version) {
    std::cout << spec.program << ' ' << kVersion << '\n';
    return false;
  }
  if (!raw.part.empty()) parse_part(raw.part, out);
  for (const TextOption& option : spec.own) {
    if (option.required && option.value->empty() && !out.print_config) {
      fail_usage("command line", "--{} {} is missing; see {} --help", option.name,
                 option.value_name, spec.program);
    }
  }
  if (!out.has_config && spec.takes_config && spec.requires_config && !out.print_config) {
    fail_usage("command line", "--config FILE is missing; see {} --help", spec.program);
  }
  out.config = out.has_config ? load_config(raw.config, raw.overrides)
                              : parse_config("", "defaults", raw.overrides);
  if (out.print_config) std::cout << print_config(out.config, true);
  return !out.print_config;
}

int64_t whole_number_of(const std::string& option, const std::string& text, int64_t least,
                        int64_t most) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stop != end || value < least || value > most) {
    fail_usage(option, "'{}' is no whole number in [{}, {}]", text, least, most);
  }
  return value;
}

}  // namespace cocola
