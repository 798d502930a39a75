// Recordings that several pairs need: decoded and embedded once, forgotten after their last pair.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "eval/score.h"

namespace cocola {

// Which windows of a file are needed, over all pairs, and by how many of them.
struct RecordingUse {
  std::string file;
  std::vector<WindowPlace> windows;  // may repeat
  int64_t num_uses = 0;
};

// Waveforms are never kept. One thread.
class RecordingCache {
 public:
  // Decodes a file at the model's rate.
  using Reader = std::function<Waveform(const std::string& file)>;

  // max_rows: embedded windows kept at most, beside those of the two recordings in use. A window
  // takes 6 KB at 512 dimensions.
  RecordingCache(const TrainedModel& model, std::vector<RecordingUse> uses, Reader reader,
                 int64_t max_rows = kMaxRows);

  // Valid until a second one is taken after this one.
  // Throws: what the reader and embed_windows throw, each time the file is asked for; it is read
  //         once all the same.
  // Law:    a file is read once, unless max_rows made it forgotten before its last use.
  const RecordingEmbeddings& take(size_t file);
  // One use is over.
  void release(size_t file);

  int64_t num_rows() const { return num_rows_; }
  static constexpr int64_t kMaxRows = int64_t{1} << 18;

 private:
  struct Entry {
    RecordingEmbeddings embeddings;
    std::optional<Error> problem;
    int64_t num_rows = 0, last_taken = 0;
  };
  Entry read(size_t file) const;
  void forget(std::map<size_t, Entry>::iterator entry);
  void make_room();

  const TrainedModel& model_;
  std::vector<RecordingUse> uses_;
  Reader reader_;
  std::map<size_t, Entry> entries_;
  int64_t max_rows_, num_rows_ = 0, clock_ = 0;
};

}  // namespace cocola
