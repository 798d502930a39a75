// What a measurement of accuracy says: as JSON, as text, and as a picture.
#pragma once
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "eval/accuracy_published.h"
#include "eval/accuracy_table.h"

namespace cocola {

// The keys that hold accuracies; shapes stand in docs/measuring.md.
OrderedJson to_json(const AccuracyTables& tables);
OrderedJson to_json(const std::vector<ComparedRow>& rows);

// One line for each K.
std::string to_text(const AccuracyTables& tables);
// One line for each data set and K, or for each pair of instruments.
std::string datasets_to_text(const AccuracyTables& tables);
std::string instruments_to_text(const AccuracyTables& tables);

// The picture of all curves.
std::string to_svg(const AccuracyTables& tables, const RunConfig& config);

}  // namespace cocola
