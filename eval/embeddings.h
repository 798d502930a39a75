// Sets of embeddings: of audio, or computed by another program.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "eval/trained_model.h"

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

// How audio becomes embeddings.
struct AudioEmbedding {
  const TrainedModel* model = nullptr;  // null: none is to be read
  double hop = 0.5;                     // share of a window, range [0.01, 1]
  // Each file is summed with the file of the same name below this folder, up to the end of the
  // shorter one, so that stems are measured in the mix they were made for. Empty: files as they
  // are.
  std::string context;
};

// A folder of audio files, each embedded in windows as cocola_score does; a folder of .npy files;
// one .npy file; or "FILE.h5:/dataset". Folders are read with what lies below them, but for hidden
// files; files of other kinds are passed over.
//
// Throws: UsageError when audio is found without a model, or a context without audio; Error naming
//         the file for an empty folder, one of audio and .npy, files of unequal dimensions, rows
//         with NaN or infinity (row named), a missing context and what cannot be read.
EmbeddingSet read_embeddings(const std::string& path, const AudioEmbedding& audio);

}  // namespace cocola
