// MPI of this process: its start, its errors in words, and how to wait for it. Private to this
// folder.
#pragma once
#include <cstdint>

namespace cocola {

// Throws: Error with the text of MPI unless status is MPI_SUCCESS.
void check_mpi(int status, const char* operation);

// Initialises MPI unless the program did; returns whether it was done here. Throws: Error when MPI
// was finalised before, or offers too low a thread level.
bool start_mpi();

// Waits a little longer each time: ranks that share a core must not spin at each other's expense.
class Backoff {
 public:
  void pause();

 private:
  int64_t attempt_ = 0;
};

}  // namespace cocola
