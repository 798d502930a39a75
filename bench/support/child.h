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
// Runs arguments[0], looked up in PATH, one child at a time.
// Throws: Error with the end of what it printed when its status is neither 0 nor `accepted`.
Child run_child(const std::vector<std::string>& arguments, int accepted = 0);
// The same on one core.
Child run_on_one_core(std::vector<std::string> arguments, int accepted = 0);

}  // namespace cocola::bench
