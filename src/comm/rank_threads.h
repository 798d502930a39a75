// How many threads a rank may use without getting into the way of the others.
#pragma once
#include <cstdint>

#include "comm/communicator.h"

namespace cocola {

// Threads of one rank: the cores of its affinity mask, shared with the ranks of the same host that
// have the same mask. Collective: every rank.
int64_t threads_per_rank(Communicator& host);

}  // namespace cocola
