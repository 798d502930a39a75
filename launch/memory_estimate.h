// How much memory a rank of a training needs, before it starts.
#pragma once
#include <cstdint>
#include <string>

#include "config/run_config.h"

namespace cocola {

// Bytes of one rank. On a GPU all but loader and program lie on the device; on the CPU they are one
// sum.
struct MemoryEstimate {
  int64_t activations = 0;   // kept from forward to backward pass, and the gradients of a layer
  int64_t parameters = 0;    // with gradients and both moments of Adam
  int64_t similarities = 0;  // gathered embeddings and the similarities of a step or a validation
  int64_t loader = 0;        // batches read ahead, and scratch memory of the front end
  int64_t front_end = 0;     // of a GPU that mixes: batches, the stems and windows at hand
  int64_t program = 0;       // code, libraries, allocator; on a GPU also the context of CUDA

  int64_t total() const {
    return activations + parameters + similarities + loader + front_end + program;
  }
};

// stems_per_pair: of the training windows on average, where a GPU mixes them (training.features_on:
// device); else 0.
MemoryEstimate estimate_memory(const RunConfig& config, int64_t num_parameters, int64_t world_size,
                               double stems_per_pair = 0.0);

// "about 3.9 GB a rank: 3.6 for activations, ..."
std::string to_text(const MemoryEstimate& estimate);

}  // namespace cocola
