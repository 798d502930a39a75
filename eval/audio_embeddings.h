// Embeddings of the windows of audio files.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "eval/trained_model.h"

namespace cocola {

// How audio becomes embeddings.
struct AudioEmbedding {
  const TrainedModel* model = nullptr;  // null: none is to be read
  double hop = 0.5;                     // share of a window, range [0.01, 1]
  // Each file is summed with the file of the same name below this folder, up to the end of the
  // shorter one, so that stems are measured in the mix they were made for. Empty: files as they
  // are.
  std::string context;
};

struct FileEmbeddings {
  at::Tensor rows;  // [n, d] float64, of audible windows; n = 0 where all are silent
  int64_t num_silent_windows = 0;
};

// The windows of a file below `folder`, as cocola_score cuts them.
//
// Requires: audio.model is not null.
// Throws:   Error naming the file when it, or its context, is missing or cannot be read.
FileEmbeddings embed_file(const std::filesystem::path& file, const std::filesystem::path& folder,
                            const AudioEmbedding& audio);

}  // namespace cocola
