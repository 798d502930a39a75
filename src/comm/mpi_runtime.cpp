#include "comm/mpi_runtime.h"

#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "base/error.h"

namespace cocola {
namespace {

constexpr int64_t kYields = 1000;  // one to two milliseconds
constexpr std::chrono::microseconds kLongest{200};

}  // namespace

void check_mpi(int status, const char* operation) {
  if (status == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(status, text.data(), &length);
  fail("comm", "{}: MPI says: {}", operation, text.data());
}

bool start_mpi() {
  int initialised = 0, finalised = 0, provided = 0;
  MPI_Initialized(&initialised);
  MPI_Finalized(&finalised);
  if (finalised) fail("comm", "MPI was already finalised; a process opens its world once");
  if (initialised) return false;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_FUNNELED) {
    fail("comm", "MPI offers thread level {}, MPI_THREAD_FUNNELED ({}) is needed", provided,
         static_cast<int>(MPI_THREAD_FUNNELED));
  }
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  return true;
}

void Backoff::pause() {
  if (++attempt_ <= kYields) {
    sched_yield();
  } else {
    std::this_thread::sleep_for(
        std::min(std::chrono::microseconds(10 * (attempt_ - kYields)), kLongest));
  }
}

}  // namespace cocola
