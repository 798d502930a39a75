#include "comm/rank_threads.h"

#include <sched.h>

#include <algorithm>
#include <string>

#include "base/process.h"

namespace cocola {
namespace {

// Host and cores on which this process may run, as a text that equals that of a process with the
// same ones.
std::string own_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  sched_getaffinity(0, sizeof(mask), &mask);
  std::string text = host_name() + ":";
  for (int core = 0; core < CPU_SETSIZE; ++core) text += CPU_ISSET(core, &mask) ? '1' : '0';
  return text;
}

}  // namespace

int64_t threads_per_rank(Communicator& host) {
  return std::max<int64_t>(1, available_cores() / count_ranks_with(host, own_cores()));
}

}  // namespace cocola
