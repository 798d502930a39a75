// How equal two runs of the same settings are: switches of the process, and sums whose order does
// not depend on the world.
#pragma once
#include <ATen/core/Tensor.h>

#include "comm/communicator.h"
#include "training/training_config.h"

namespace cocola {

// fast: cuDNN times its algorithms for each shape and takes the fastest. Otherwise every library is
// asked for algorithms that give the same bits each time. Before the first use of a GPU and of
// NCCL; variables that the user has set in the environment stay.
void set_determinism(Reproducibility level);

// Threads of tensor operations: as configured, or `share` of the cores.
int64_t operation_threads(const TrainingConfig& config, int64_t share);

// Replaces tensor by its sum over ranks, added in the order of TreeSum whatever moves the bytes.
// Every rank receives what all have, in pieces: for worlds of some dozens of ranks.
// Collective: every rank, as Communicator::all_gather.
void all_reduce_in_tree(Communicator& world, at::Tensor tensor);

}  // namespace cocola
