#include "base/process.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>

#include "base/error.h"
#include "base/log.h"

namespace cocola {
namespace {

// Any thread may take the signal, so this is atomic; without a lock, so a handler may write it.
std::atomic<int> stop_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);

void on_stop_signal(int signal_number) {
  if (signal_number == SIGINT && stop_signal == SIGINT) _exit(kExitFailure);
  stop_signal = signal_number;
}

}  // namespace

int run_program(const char* program, const std::function<int()>& body) {
  const auto report = [program](const std::string& text) {
    log_line(LogLevel::error, fmt::format("{}: {}", program, text));
  };
  try {
    return body();
  } catch (const UsageError& e) {
    report(e.what());
    return kExitUsage;
  } catch (const Error& e) {
    report(e.what());
  } catch (const std::bad_alloc&) {
    report("out of memory");
  } catch (const std::exception& e) {
    // LibTorch appends the lines of its own call stack.
    const std::string text = e.what();
    report(text.substr(0, text.find('\n')));
  }
  return kExitFailure;
}

void tune_memory_allocator() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 64 << 20);
}

int available_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) return 1;
  return std::max(1, CPU_COUNT(&mask));
}

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

void install_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    struct sigaction inherited {};
    sigaction(signal_number, nullptr, &inherited);
    const bool from_terminal = signal_number == SIGINT || signal_number == SIGHUP;
    if (from_terminal && inherited.sa_handler == SIG_IGN) continue;  // nohup, or a shell's "&"
    sigaction(signal_number, &action, nullptr);
  }
  action.sa_handler = SIG_IGN;
  for (const int signal_number : {SIGPIPE, SIGXFSZ}) sigaction(signal_number, &action, nullptr);
}

bool stop_requested() { return stop_signal != 0; }
void clear_stop_request() { stop_signal = 0; }

}  // namespace cocola
