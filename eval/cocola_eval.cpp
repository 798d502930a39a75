// Measures models: `cocola_eval [COMMAND] [options]`.
#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/process.h"
#include "comm/communicator.h"
#include "eval/commands.h"

namespace cocola {
namespace {

struct Command {
  std::string_view name, summary;
  int (*run)(int argc, char** argv);
  bool takes_ranks = false;  // opens its world itself
};

// The first one is done when none is named.
constexpr Command kCommands[] = {
    {"accuracy", "accuracy at K on a split that was never trained on", accuracy_command},
    {"calibrate", "keep with a model how its scores of true pairs lie", calibrate_command},
    {"card", "write the reference card of a model, as Markdown and HTML", card_command},
    {"compare", "systems against each other, by their scores", compare_command},
    {"distance", "how far two sets of embeddings are apart: FAD, KAD", distance_command, true},
    {"listeners", "how scores go together with the ratings of a listening test", listeners_command},
    {"report", "one HTML page of scores", report_command},
    {"response", "how the score answers to damage of one side of a pair", response_command},
};

void print_commands() {
  fmt::print("Usage: cocola_eval [COMMAND] [options]\n\nCommands (each has its own --help):\n");
  for (const Command& command : kCommands) {
    fmt::print("  {:<12}{}{}\n", command.name, command.summary,
               &command == kCommands ? " (also when no command is given)" : "");
  }
  fmt::print("\n");
}

// Ranks would each do the whole work and print it: rank 0 refuses for all.
int run_alone(std::string_view name, const std::function<int()>& body) {
  const auto world = open_host_world({});
  const int status = run_program("cocola_eval", [&] {
    if (world->world_size() > 1) {
      if (world->is_rank_zero()) {
        fail_usage("cocola_eval", "{} runs alone, not as {} ranks; start it without mpirun or srun",
                   name, world->world_size());
      }
      world->barrier();
    }
    return body();
  });
  if (status != kExitDone) abort_world(status);
  return status;
}

int run(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first.empty() || first.starts_with("-")) {
    return run_alone(kCommands[0].name, [&] {
      if (first == "--help") print_commands();
      return kCommands[0].run(argc, argv);
    });
  }
  for (const Command& command : kCommands) {
    if (command.name != first) continue;
    const auto body = [&] { return command.run(argc - 1, argv + 1); };
    return command.takes_ranks ? body() : run_alone(first, body);
  }
  std::string names;
  for (const Command& command : kCommands) names += fmt::format(" {}", command.name);
  fail_usage("cocola_eval", "'{}' is no command; there are:{}", first, names);
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  cocola::tune_memory_allocator();
  return cocola::run_program("cocola_eval", [&] { return cocola::run(argc, argv); });
}
