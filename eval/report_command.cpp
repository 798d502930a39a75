#include <cstdio>

#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "config/command_line.h"
#include "eval/commands.h"
#include "eval/score_document.h"
#include "eval/score_pictures.h"
#include "eval/score_report.h"

namespace cocola {

int report_command(int argc, char** argv) {
  std::string scores, html, num_pictures = std::to_string(kDefaultSpectrogramPairs);
  CommandLineSpec spec;
  spec.program = "cocola_eval report";
  spec.summary =
      "Makes one HTML page of scores that `cocola_score --json` printed. With --model it shows\n"
      "spectrograms too, of the recordings that the scores name.";
  spec.takes_config = false;
  spec.takes_model = true;
  spec.own = {{"scores", "FILE", "JSON of `cocola_score --json`", &scores, true},
              {"html", "FILE", "the page", &html, true},
              {"spectrograms", "N", "of the first N pairs (default: 20)", &num_pictures}};
  CommandLine line;
  if (!parse_command_line(spec, argc, argv, line)) return kExitDone;
  const int64_t most_pictures = parse_num_pictures(num_pictures);
  OrderedJson document = read_score_document(scores);
  add_comparison(document);
  std::vector<PairPicture> pictures;
  if (!line.model.empty())
    pictures = draw_pictures(document, open_model(line.model), most_pictures);
  write_score_report(html, document, pictures);
  fmt::print("{}: {} pairs\n", printable(html), document["scores"].size());
  return kExitDone;
}

}  // namespace cocola
