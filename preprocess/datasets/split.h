// The split of a track: read off a directory's name, or drawn where a data set leaves it open.
#pragma once
#include <string>
#include <vector>

#include "config/dataset_config.h"

namespace cocola {

// "train", "valid" (also for validation, val and dev) or "test"; empty for other names.
std::string split_of_directory(const std::string& name);

// Decided by a hash of the name alone, so that a track never moves when others are added.
std::string split_by_hash(const std::string& name, const DatasetConfig& shares);

// The splits of `count` tracks in order of name, for a data set that never grows: the published
// recipe for MoisesDB. Tracks are shuffled as Python does with seed 42; the first
// int(count * train) of them are train, the next int(count * valid) valid, and the rest test, or
// valid where the share of test is 0.
std::vector<std::string> splits_by_recipe(size_t count, const DatasetConfig& shares);

}  // namespace cocola
