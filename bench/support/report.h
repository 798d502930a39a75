// What every benchmark prints: a table for people, and with --json a file for programs.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cocola::bench {

struct Arguments {
  std::string json;                // file to write; empty for none
  std::string python = "python3";  // interpreter of the peer
};
// Accepts --json FILE and --python PROGRAM. Throws: UsageError for anything else.
Arguments parse_arguments(int argc, char** argv);

// One thing measured on our side and, where there is one, on the peer's, in the same unit: more is
// better.
struct Measurement {
  std::string name;  // key in the JSON file
  std::string what;  // for people
  std::string unit;
  double ours = 0.0;
  std::optional<double> peer;
};

// Prints the table on standard output and writes {"name": {"ours", "peer", "unit", "ratio"}, ...}.
void report(const std::vector<Measurement>& measurements, const Arguments& arguments);

double median(std::vector<double> values);
// Seconds that `work` takes.
double seconds_of(const std::function<void()>& work);

}  // namespace cocola::bench
