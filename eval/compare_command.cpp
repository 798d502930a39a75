#include <cstdio>
#include <filesystem>

#include "base/process.h"
#include "config/command_line.h"
#include "eval/commands.h"
#include "eval/comparison.h"
#include "eval/json_output.h"
#include "eval/score_document.h"
#include "eval/score_report.h"

namespace cocola {

int compare_command(int argc, char** argv) {
  std::string scores, baseline, html;
  CommandLineSpec spec;
  spec.program = "cocola_eval compare";
  spec.summary =
      "Compares systems that made something for the same mixes, by what `cocola_score --json`\n"
      "printed: in one file that names systems, or in one file for each. Pairs belong together\n"
      "that have one name, or whose files B have one name. A paired bootstrap over names.";
  spec.positional = "[B.json ...]";
  spec.takes_config = false;
  spec.takes_json = true;
  spec.own = {
      {"scores", "A.json", "scores; more files may follow", &scores, true},
      {"baseline", "NAME", "the system that others are held against (default: random)", &baseline},
      {"html", "FILE", "also make a page of it, with all pairs", &html}};
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  std::vector<std::filesystem::path> paths = {scores};
  paths.insert(paths.end(), line.files.begin(), line.files.end());
  OrderedJson document = read_score_documents(paths);
  const Comparison comparison = compare_systems(document, baseline);
  document["comparison"] = comparison.to_json();
  if (!html.empty()) write_score_report(html, document, {});
  if (line.json) {
    print_json(document["comparison"]);
  } else {
    fmt::print("{}", comparison.to_text());
  }
  return kExitDone;
}

}  // namespace cocola
