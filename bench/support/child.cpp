#include "support/child.h"

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

Child run_child(const std::vector<std::string>& arguments, int accepted) {
  Child child;
  rusage before{}, after{};
  getrusage(RUSAGE_CHILDREN, &before);
  child.wall_seconds = seconds_of([&] { child.result = testing::run_process(arguments); });
  getrusage(RUSAGE_CHILDREN, &after);
  child.core_seconds = core_seconds(after) - core_seconds(before);
  child.peak_mb = static_cast<double>(after.ru_maxrss) / 1024.0;
  const int status = child.result.status;
  if (status != 0 && status != accepted) {
    fail("bench", "{} ended with status {}: {}", arguments.at(0), status, child.result.errors);
  }
  return child;
}

Child run_on_one_core(std::vector<std::string> arguments, int accepted) {
  arguments.insert(arguments.begin(), {"taskset", "-c", "0"});
  return run_child(arguments, accepted);
}

}  // namespace cocola::bench
