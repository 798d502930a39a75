// Scores as one HTML page that needs nothing else: tables that sort, curves over time,
// spectrograms.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "eval/spectrogram.h"

namespace cocola {

// What the page shows beside the numbers of one pair.
struct PairPicture {
  std::optional<PairSpectrograms> spectrograms;
  std::string problem;  // why there are none, for people; empty: they were not asked for
};

inline constexpr int64_t kDefaultSpectrogramPairs = 20;

// The page of a document as `cocola_score --json` prints it, with "comparison" where it has one.
// The document is embedded, and every number shown is one of its own, in full length in the
// attribute data-value and by its JSON pointer in data-path. The page loads nothing, has no part
// that runs but its own script, and shows tables and pictures without that script too.
//
// pictures: of the first pairs; fewer than pairs are allowed.
// Requires: a checked document (eval/score_document.h); texts need not be UTF-8.
std::string score_report_page(const OrderedJson& document,
                              const std::vector<PairPicture>& pictures);

// Throws: what write_file_atomically throws.
void write_score_report(const std::filesystem::path& path, const OrderedJson& document,
                        const std::vector<PairPicture>& pictures);

// Parts of the page, from eval/report/.
extern const std::string_view kReportHtml, kReportStyle, kReportScript;

}  // namespace cocola
