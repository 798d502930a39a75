// A set of embeddings as parts in a fixed order, read when they are asked for: ranks share them,
// and the set need not fit in memory.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/communicator.h"
#include "eval/audio_embeddings.h"

namespace cocola {

struct SourceFacts {
  std::string path;
  int64_t dimensions = 0;
  // Below the folder, sorted; a part each. Empty for one matrix, whose parts are stretches of rows.
  std::vector<std::string> files;
  int64_t num_parts = 0;
  std::optional<int64_t> num_rows;  // empty for audio: known only when it was embedded
  bool is_audio = false;
};

struct PartCounts {
  int64_t num_rows = 0;
  int64_t num_silent_windows = 0;  // of audio; they are left out
};

class EmbeddingSource {
 public:
  using TakeRows = std::function<void(const at::Tensor& rows)>;

  virtual ~EmbeddingSource() = default;
  EmbeddingSource(const EmbeddingSource&) = delete;
  EmbeddingSource& operator=(const EmbeddingSource&) = delete;

  const SourceFacts& facts() const { return facts_; }

  // Hands the rows of a part to `take` in their order, a stretch [n, d] float64 at a time: of
  // matrices at most 8192 rows and 2^26 values, of audio the windows of a file.
  //
  // Throws: Error naming the file when it cannot be read, and for rows with NaN or infinity (row
  //         of the whole matrix named).
  virtual PartCounts read_part(int64_t part, const TakeRows& take) const = 0;

 protected:
  explicit EmbeddingSource(SourceFacts facts) : facts_(std::move(facts)) {}

 private:
  const SourceFacts facts_;
};

// A folder of audio files, each embedded in windows as cocola_score does; a folder of .npy files;
// one .npy file; or "FILE.h5:/dataset". Folders are read with what lies below them, but for hidden
// files; files of other kinds are passed over. Matrices are opened and measured here, not read.
//
// Requires: the model outlives the result.
// Throws:   UsageError when audio is found without a model, or a context without audio; Error
//           naming the file for an empty folder, one of audio and .npy, a matrix without values,
//           files of unequal dimensions, and what cannot be opened.
std::unique_ptr<EmbeddingSource> open_embeddings(const std::string& path,
                                                 const AudioEmbedding& audio);

// Calls read(part) for the parts of this rank, which are rank, rank + world_size and so on, and
// returns the counts of all parts.
//
// Collective: every rank, with an equal source.
// Throws:     Error when ranks see different files, and on rank 0 when every window of a folder of
// audio is silent.
std::vector<PartCounts> read_in_turn(const EmbeddingSource& source, Communicator& world,
                                     const std::function<PartCounts(int64_t part)>& read);

}  // namespace cocola
