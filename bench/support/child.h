// A program that is run to its end, and what it cost.
#pragma once
#include <string>
#include <vector>

#include "support/python.h"

namespace cocola::bench {

struct Child {
  testing::ProgramResult result;
  double wall_seconds = 0.0;
  double core_seconds = 0.0;  // of all its threads
  double peak_mb = 0.0;       // MiB; the largest of this process's children so far
};
// Runs arguments[0], looked up in PATH, one child at a time. Whatever its status is.
Child run_child(const std::vector<std::string>& arguments);
// Throws: Error with what it printed when its status is not 0.
Child run_to_success(const std::vector<std::string>& arguments);
// The same command on one core.
std::vector<std::string> on_one_core(std::vector<std::string> arguments);

}  // namespace cocola::bench
