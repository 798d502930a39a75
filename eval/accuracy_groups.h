// Which windows of a split belong together: those of one data set, and those with one instrument in
// the anchor and another in the positive.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "shards/shard_set.h"

namespace cocola {

// "moisesdb" of "moisesdb/Song"; kNoDataset of a track whose data set gives its tracks no name.
inline constexpr const char* kNoDataset = "unnamed";
std::string dataset_of(const std::string& track_name);

// "guitar" of "Guitar", "guitar/4f1c", "03_guitar" and "guitar_2"; empty where a name tells none,
// as "S01" of Slakh2100.
std::string instrument_of(const std::string& stem_name);

// Windows, ascending, by the data set of their track.
std::map<std::string, std::vector<int64_t>> windows_by_dataset(const ShardSet& shards);

// Windows, ascending, by (a, b): a is among the instruments of the anchor, b among those of the
// positive. A sub-mix of several instruments counts for each of them.
//
// Random: the sub-mixes are those of pair kEvaluationEpoch drawn with this seed.
using InstrumentPair = std::pair<std::string, std::string>;
std::map<InstrumentPair, std::vector<int64_t>> windows_by_instruments(const ShardSet& shards,
                                                                      uint64_t seed);

}  // namespace cocola
