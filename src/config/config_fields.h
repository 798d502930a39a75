// The one table of settings: every key with its place in the structs and its meaning. Reading,
// printing and errors all follow it.
#pragma once
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "config/run_config.h"

namespace cocola {

// A setting with a fixed set of names, one for each enumerator in order.
struct Choice {
  std::vector<const char*> names;
  std::function<size_t()> get;
  std::function<void(size_t)> set;
};

// A list of names, each of which switches a flag on.
struct Flags {
  std::vector<const char*> names;
  std::vector<bool*> values;
};

// Where a setting lives.
using Setting = std::variant<std::string*, bool*, int64_t*, uint64_t*, double*,
                             std::vector<int64_t>*, Choice, Flags>;

struct Field {
  std::string path;                                          // "training.pairs_per_step"
  std::variant<Setting, std::vector<DatasetConfig>*> place;  // in the struct the table is made of
  const char* doc;                                           // one line: meaning, unit, range
};

// In the order of printing; keys of one section follow each other.
// Requires: config outlives the table.
std::vector<Field> fields_of(RunConfig& config);
// Keys of one item of data.datasets; prefix is put before each path, e.g. "data.datasets.0.".
std::vector<Field> fields_of(DatasetConfig& dataset, const std::string& prefix);

}  // namespace cocola
