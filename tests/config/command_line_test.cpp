#include "config/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "config/config_file.h"
#include "support/temporary_directory.h"
#include "support/usage_error.h"

namespace cocola {
namespace {

using ::cocola::testing::usage_error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// A program that takes everything there is.
CommandLineSpec full_spec() {
  CommandLineSpec spec;
  spec.program = "cocola_test";
  spec.summary = "Tests.";
  spec.positional = "FILE...";
  spec.takes_json = spec.takes_model = spec.takes_dry_run = true;
  spec.requires_config = false;
  return spec;
}

CommandLineSpec bare_spec() {
  CommandLineSpec spec;
  spec.program = "cocola_test";
  spec.takes_config = false;
  return spec;
}

struct Outcome {
  bool goes_on = false;
  CommandLine line;
  std::string printed;
};

Outcome parse(const CommandLineSpec& spec, std::vector<std::string> words) {
  words.insert(words.begin(), spec.program);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  Outcome outcome;
  ::testing::internal::CaptureStdout();
  try {
    outcome.goes_on =
        parse_command_line(spec, static_cast<int>(argv.size()), argv.data(), outcome.line);
  } catch (...) {
    ::testing::internal::GetCapturedStdout();
    throw;
  }
  outcome.printed = ::testing::internal::GetCapturedStdout();
  return outcome;
}

std::string refusal_of(const CommandLineSpec& spec, const std::vector<std::string>& words) {
  return usage_error_of([&] { parse(spec, words); });
}

std::vector<std::string> options_in_help(const CommandLineSpec& spec) {
  const std::string help = parse(spec, {"--help"}).printed;
  const std::regex option("(^|\\n) +(--[a-z-]+)");
  std::vector<std::string> found;
  for (auto at = std::sregex_iterator(help.begin(), help.end(), option);
       at != std::sregex_iterator(); ++at) {
    found.push_back((*at)[2]);
  }
  return found;
}

// A new setting belongs into the YAML file, not here.
TEST(CommandLine, OptionsAreFrozen) {
  EXPECT_THAT(options_in_help(full_spec()),
              UnorderedElementsAre("--config", "--set", "--print-config", "--model", "--dry-run",
                                   "--as-world", "--json", "--help", "--version"));
  EXPECT_THAT(options_in_help(bare_spec()), UnorderedElementsAre("--help", "--version"));
}

TEST(CommandLine, OptionsOfOtherProgramsAreRefused) {
  for (const char* option : {"--config", "--set", "--print-config", "--model", "--dry-run",
                             "--as-world", "--json", "--file", "--unknown", "-h"}) {
    EXPECT_THAT(refusal_of(bare_spec(), {option, "1"}), HasSubstr("; see cocola_test --help"));
  }
  EXPECT_THAT(refusal_of(full_spec(), {"--file", "x"}), HasSubstr("--file"));
}

TEST(CommandLine, AbbreviationsAreRefused) {
  EXPECT_THAT(refusal_of(full_spec(), {"--js"}), HasSubstr("--js"));
  EXPECT_THAT(refusal_of(full_spec(), {"--print"}), HasSubstr("--print"));
}

TEST(CommandLine, HelpAndVersionEndTheProgram) {
  const Outcome help = parse(full_spec(), {"--help"});
  EXPECT_FALSE(help.goes_on);
  EXPECT_THAT(help.printed,
              HasSubstr("Usage: cocola_test --model FILE [options] FILE...\nTests.\n"));
  EXPECT_THAT(help.printed, HasSubstr("'cocola_test --print-config'\nlists every key"));
  const Outcome version = parse(bare_spec(), {"--version"});
  EXPECT_FALSE(version.goes_on);
  EXPECT_EQ(version.printed, std::string("cocola_test ") + kVersion + "\n");
}

TEST(CommandLine, EverythingReachesItsPlace) {
  const Outcome outcome =
      parse(full_spec(), {"a.wav", "--model", "m.safetensors", "--json", "--dry-run", "--as-world",
                          "8", "--set", "training.epochs=3", "--set", "experiment=x", "b.wav"});
  EXPECT_TRUE(outcome.goes_on);
  EXPECT_EQ(outcome.printed, "");
  EXPECT_THAT(outcome.line.files, ElementsAre("a.wav", "b.wav"));
  EXPECT_EQ(outcome.line.model, "m.safetensors");
  EXPECT_TRUE(outcome.line.json);
  EXPECT_TRUE(outcome.line.dry_run);
  EXPECT_EQ(outcome.line.as_world, 8);
  EXPECT_FALSE(outcome.line.has_config);
  EXPECT_EQ(outcome.line.config.training.epochs, 3);
  EXPECT_EQ(outcome.line.config.experiment, "x");
}

TEST(CommandLine, FilesAfterTwoDashesMayStartWithADash) {
  EXPECT_THAT(parse(full_spec(), {"--", "--json"}).line.files, ElementsAre("--json"));
}

TEST(CommandLine, NothingGivenLeavesTheDefaults) {
  const Outcome outcome = parse(full_spec(), {});
  EXPECT_TRUE(outcome.goes_on);
  EXPECT_EQ(outcome.line.config, RunConfig());
  EXPECT_EQ(outcome.line.as_world, 0);
}

TEST(CommandLine, TheFileIsReadBeforeOverrides) {
  const testing::TemporaryDirectory directory;
  const std::string file = (directory / "run.yaml").string();
  std::ofstream(file) << "experiment: filed\ntraining: {epochs: 9}\n";
  CommandLineSpec spec = full_spec();
  spec.requires_config = true;
  const Outcome outcome = parse(spec, {"--set", "training.epochs=3", "--config", file});
  EXPECT_TRUE(outcome.line.has_config);
  EXPECT_EQ(outcome.line.config.experiment, "filed");
  EXPECT_EQ(outcome.line.config.training.epochs, 3);
}

TEST(CommandLine, AMissingConfigIsRefusedUnlessItIsPrinted) {
  CommandLineSpec spec = full_spec();
  spec.requires_config = true;
  EXPECT_THAT(refusal_of(spec, {}), HasSubstr("--config FILE is missing"));
  const Outcome outcome = parse(spec, {"--print-config", "--set", "experiment=started"});
  EXPECT_FALSE(outcome.goes_on);
  EXPECT_EQ(parse_config(outcome.printed, "printed", {}), outcome.line.config);
  EXPECT_EQ(outcome.line.config.experiment, "started");
}

TEST(CommandLine, WrongValuesAreRefused) {
  EXPECT_THAT(refusal_of(full_spec(), {"--config"}), HasSubstr("--config"));
  EXPECT_THAT(refusal_of(full_spec(), {"--config", "a", "--config", "b"}), HasSubstr("--config"));
  EXPECT_THAT(refusal_of(full_spec(), {"--config", ""}), HasSubstr("config"));
  EXPECT_THAT(refusal_of(full_spec(), {"--set", "training.epochs=x"}), HasSubstr("--set training"));
  EXPECT_THAT(refusal_of(full_spec(), {"--dry-run", "--as-world", "x"}), HasSubstr("--as-world"));
  EXPECT_THAT(refusal_of(full_spec(), {"--dry-run", "--as-world", "0"}), HasSubstr("--as-world 0"));
  EXPECT_THAT(refusal_of(full_spec(), {"--as-world", "4"}), HasSubstr("needs --dry-run"));
  EXPECT_THAT(refusal_of(bare_spec(), {"a.wav"}), HasSubstr("'a.wav' is not an option"));
}

TEST(CommandLine, OptionsOfOneProgramReachItsVariables) {
  std::string ratings, scores = "default";
  CommandLineSpec spec = bare_spec();
  spec.own = {{"ratings", "FILE", "what listeners said", &ratings, true},
              {"scores", "FILE", "what the model said", &scores}};
  EXPECT_TRUE(parse(spec, {"--ratings", "a.csv"}).goes_on);
  EXPECT_EQ(ratings, "a.csv");
  EXPECT_EQ(scores, "default");
  EXPECT_THAT(parse(spec, {"--help"}).printed, HasSubstr("what listeners said"));
  ratings.clear();
  EXPECT_THAT(usage_error_of([&] {
                parse(spec, {"--scores", "b.csv"});
              }),
              HasSubstr("--ratings FILE is missing"));
}

TEST(CommandLine, FlagsOfOneProgramReachTheirVariables) {
  bool tables = false;
  CommandLineSpec spec = bare_spec();
  spec.flags = {{"tables", "print tables", &tables}};
  EXPECT_TRUE(parse(spec, {}).goes_on);
  EXPECT_FALSE(tables);
  EXPECT_TRUE(parse(spec, {"--tables"}).goes_on);
  EXPECT_TRUE(tables);
  EXPECT_THAT(parse(spec, {"--help"}).printed, HasSubstr("print tables"));
}

}  // namespace
}  // namespace cocola
