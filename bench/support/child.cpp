#include "support/child.h"

#include <fmt/ranges.h>
#include <sys/resource.h>

#include "base/error.h"
#include "support/report.h"

namespace cocola::bench {
namespace {

double core_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Child run_child(const std::vector<std::string>& arguments) {
  Child child;
  rusage before{}, after{};
  getrusage(RUSAGE_CHILDREN, &before);
  child.wall_seconds = seconds_of([&] { child.result = testing::run_process(arguments); });
  getrusage(RUSAGE_CHILDREN, &after);
  child.core_seconds = core_seconds(after) - core_seconds(before);
  child.peak_mb = static_cast<double>(after.ru_maxrss) / 1024.0;
  return child;
}

Child run_to_success(const std::vector<std::string>& arguments) {
  Child child = run_child(arguments);
  if (child.result.status != 0) {
    fail("bench", "{} ended with status {}: {}", fmt::join(arguments, " "), child.result.status,
         child.result.errors);
  }
  return child;
}

std::vector<std::string> on_one_core(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"taskset", "-c", "0"});
  return arguments;
}

}  // namespace cocola::bench
