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
  bool quick = false;              // fewer rounds and smaller sizes
  // Of a measurement, or of its size: the first of both when quick.
  template <typename T>
  T choose(T when_quick, T otherwise) const {
    return quick ? when_quick : otherwise;
  }
};
// Accepts --json FILE, --python PROGRAM and --quick. Throws: UsageError for anything else.
Arguments parse_arguments(int argc, char** argv);

enum class Better { more, less };

// One thing measured on our side and, where there is one, on the peer's, in the same unit.
struct Measurement {
  std::string name;  // key in the JSON file
  std::string what;  // for people
  std::string unit;
  double ours = 0.0;
  std::optional<double> peer = {};
  Better better = Better::more;
  std::string missing_peer = {};  // why there is no peer although there should be
};

// Prints the table on standard output and writes {"name": {"what", "ours", "unit", "peer",
// "ratio"},
// ...}.
// The ratio says how many times better ours is. Instead of a peer that is missing, "missing" says
// why.
void report(const std::vector<Measurement>& measurements, const Arguments& arguments);

double median(std::vector<double> values);
// The median of all rounds but the first, which warms caches up.
double typical(const std::vector<double>& rounds);
// Seconds that `work` takes.
double seconds_of(const std::function<void()>& work);
// Processor seconds of this thread: what one core needs, however busy the machine is.
double cpu_seconds_of(const std::function<void()>& work);

}  // namespace cocola::bench
