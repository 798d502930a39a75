// What a program settles about its own process: exit statuses, stop signals, allocator, cores.
#pragma once
#include <functional>
#include <string>

namespace cocola {

enum ExitStatus : int { kExitDone = 0, kExitFailure = 1, kExitUsage = 2, kExitStopped = 75 };

// Runs the body of a program. UsageError becomes exit status 2, any other exception 1; each prints
// one line on standard error that starts with `program`; of errors that are not ours the first
// line.
int run_program(const char* program, const std::function<int()>& body);

// Keeps freed memory inside the process instead of returning it to the system page by page: the CPU
// step reuses the same tens of megabytes every step. Call first in main.
void tune_memory_allocator();

// Number of cores this process may run on (its affinity mask), at least 1.
int available_cores();

// The name of the machine this process runs on.
std::string host_name();

// SIGINT, SIGTERM, SIGHUP and SIGUSR1 ask for an orderly stop; a second SIGINT ends the process at
// once. SIGINT and SIGHUP stay ignored where the parent process had them ignored, as under nohup.
// SIGPIPE and SIGXFSZ are ignored, so that a closed pipe or a file size limit is an error of
// the write.
void install_stop_signals();
bool stop_requested();
// Forgets the request, for a process that goes on to other work.
void clear_stop_request();

}  // namespace cocola
