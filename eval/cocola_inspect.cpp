// What is in a shard, a shard set, a checkpoint, a model or a configuration, and is it intact?
#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/error.h"
#include "base/process.h"
#include "config/command_line.h"
#include "eval/inspect_report.h"
#include "eval/json_output.h"

namespace cocola {
namespace {

int run(int argc, char** argv) {
  CommandLineSpec spec;
  spec.program = "cocola_inspect";
  spec.summary =
      "Tells what each shard, shard set, checkpoint, model or configuration holds, and verifies\n"
      "every digest. Exit status 1 when one is damaged or of no known kind.";
  spec.positional = "FILE...";
  spec.takes_json = true;
  spec.takes_config = false;
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  if (line.files.empty()) fail_usage("command line", "no file given; see cocola_inspect --help");

  bool all_intact = true;
  OrderedJson files = OrderedJson::array();
  for (const std::string& file : line.files) {
    const InspectReport report = inspect(file);
    all_intact = all_intact && report.is_intact();
    if (line.json) {
      files.push_back(report.to_json());
    } else {
      fmt::print("{}", report.to_text());
    }
  }
  if (line.json) {
    const OrderedJson document = {{"intact", all_intact}, {"files", std::move(files)}};
    print_json(document);
  }
  return all_intact ? kExitDone : kExitFailure;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  return cocola::run_program("cocola_inspect", [&] { return cocola::run(argc, argv); });
}
