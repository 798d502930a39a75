#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "base/process.h"
#include "config/command_line.h"
#include "eval/card.h"
#include "eval/commands.h"
#include "eval/json_output.h"

namespace cocola {

int card_command(int argc, char** argv) {
  std::string stem, num_windows = kResponseWindows;
  CommandLineSpec spec;
  spec.program = "cocola_eval card";
  spec.summary = "Writes the reference card of a model: STEM.card.md and STEM.card.html.";
  spec.takes_json = spec.takes_model = true;
  spec.own = {{"out", "STEM", "where to (default: the model file without its extension)", &stem},
              {"windows", "N", "damage at most N windows (default: 128)", &num_windows}};
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  const int64_t most_windows = parse_response_windows(num_windows);
  at::set_num_threads(available_cores());
  const MeasuredModel measured = open_measured_model(line.config, line.model);
  if (stem.empty()) stem = std::filesystem::path(measured.path).replace_extension().string();
  const std::string markdown = stem + ".card.md", html = stem + ".card.html";
  { const PendingFile probe(markdown); }  // a place that cannot be written to, before the work
  const Document card = card_of(measure_card(measured, line.config, most_windows));
  write_file_atomically(markdown, to_markdown(card));
  write_file_atomically(html, to_html(card));
  if (line.json) {
    print_json(to_json(card));
  } else {
    fmt::print("Wrote {} and {}\n", markdown, html);
  }
  return kExitDone;
}

}  // namespace cocola
