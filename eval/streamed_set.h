// Statistics of a set of embeddings of any size, of which no more than a part is held.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "comm/communicator.h"
#include "eval/embedding_source.h"
#include "metrics/gaussian_statistics.h"

namespace cocola {

// One file of the evaluated set against the whole reference.
struct FileDistance {
  std::string name;
  int64_t num_samples = 0;
  std::optional<double> frechet;  // empty below two samples
};

struct StreamedSet {
  std::string path;
  GaussianStatistics statistics;    // of all rows
  std::vector<FileDistance> files;  // of a folder, by name; distances where a reference was given
  int64_t num_silent_windows = 0;   // of audio; they are left out
  bool is_audio = false;
};

// reference: null, or what each file is held against; with fewer than two samples there are no
//            distances.
//
// Collective: every rank, with an equal source and reference; each gets the same bytes.
// Memory:     a stretch of rows (EmbeddingSource::read_part) and a few matrices [d, d], on each
//             rank, for any number of rows, files and ranks.
// Throws:     what reading parts throws.
// Law:        the statistics of all rows at once, for any world size, up to rounding of float64.
StreamedSet stream_set(const EmbeddingSource& source, const GaussianStatistics* reference,
                       Communicator& world);

}  // namespace cocola
