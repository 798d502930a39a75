// Allowed: MPI.
#include <mpi.h>
