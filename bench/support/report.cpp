#include "support/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iterator>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"

namespace cocola::bench {

Arguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--quick") {
      arguments.quick = true;
    } else if ((name == "--json" || name == "--python") && i + 1 < argc) {
      (name == "--json" ? arguments.json : arguments.python) = argv[++i];
    } else {
      fail_usage("bench", "\"{}\"; accepted are --json FILE, --python PROGRAM and --quick", name);
    }
  }
  return arguments;
}

void report(const std::vector<Measurement>& measurements, const Arguments& arguments) {
  // Small values keep three decimals, rates one.
  const auto number = [](double value) {
    return fmt::format("{:.{}f}", value, value < 100.0 ? 3 : 1);
  };
  fmt::print("{:<48} {:>12} {:>12} {:>8}  {}\n", "", "ours", "peer", "ratio", "unit");
  OrderedJson json = OrderedJson::object();
  std::string missing;
  for (const Measurement& m : measurements) {
    OrderedJson entry = {{"what", m.what}, {"ours", m.ours}, {"unit", m.unit}};
    std::string peer = "-", ratio = "-";
    if (m.peer) {
      const double times_better = m.better == Better::more ? m.ours / *m.peer : *m.peer / m.ours;
      entry["peer"] = *m.peer;
      entry["ratio"] = times_better;
      peer = number(*m.peer);
      ratio = fmt::format("{:.2f}", times_better);
    } else if (!m.missing_peer.empty()) {
      entry["missing"] = missing = m.missing_peer;
      peer = "missing";
    }
    json[m.name] = entry;
    fmt::print("{:<48} {:>12} {:>12} {:>8}  {}\n", m.what, number(m.ours), peer, ratio, m.unit);
  }
  if (!missing.empty()) fmt::print("The peer is missing: {}\n", missing);
  std::fflush(stdout);
  if (!arguments.json.empty()) write_file_atomically(arguments.json, json.dump(2) + "\n");
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double typical(const std::vector<double>& rounds) {
  return median({std::next(rounds.begin()), rounds.end()});
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double cpu_seconds_of(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double start = now();
  work();
  return now() - start;
}

}  // namespace cocola::bench
