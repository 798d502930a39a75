// What a report shows beyond the document of scores: spectrograms of the recordings, and how the
// systems compare.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "eval/score_report.h"
#include "eval/trained_model.h"

namespace cocola {

inline constexpr int64_t kMostSpectrogramPairs = 1000;

// The number of --spectrograms. Throws: UsageError unless in [0, kMostSpectrogramPairs].
int64_t parse_num_pictures(const std::string& text);

// Spectrograms of the first `most` pairs, from the files that they name. A file that cannot be read
// is warned about and named in the picture's problem.
std::vector<PairPicture> draw_pictures(const OrderedJson& document, const TrainedModel& model,
                                       int64_t most);

// Sets "comparison" anew where pairs name two systems or more. What cannot be compared gets
// {"problem": why}.
void add_comparison(OrderedJson& document);

}  // namespace cocola
