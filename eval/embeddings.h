// Sets of embeddings in memory: of audio, or computed by another program.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "comm/communicator.h"
#include "eval/embedding_source.h"

namespace cocola {

struct EmbeddingFile {
  std::string name;  // below the folder
  int64_t first_row = 0, num_rows = 0;
};

struct EmbeddingSet {
  std::string path;
  at::Tensor rows;  // [n, d] float64, finite; n >= 1
  // The files of a folder, sorted by name, and their rows in that order; empty for one matrix.
  std::vector<EmbeddingFile> files;
  int64_t num_silent_windows = 0;  // of audio; they are left out
  bool is_audio = false;
};

// Values of matrices that are held at most: 4 GiB of them.
inline constexpr int64_t kMaxSetValues = int64_t{1} << 29;

// Collective: every rank, with an equal source; each gets the whole set.
// Throws:     Error on rank 0 for more values than kMaxSetValues; what reading parts throws.
// Law:        the same set for any world size; of audio, to the rounding of the network.
EmbeddingSet read_embeddings(const EmbeddingSource& source, Communicator& world);

}  // namespace cocola
