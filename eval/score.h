// The COCOLA score of two recordings.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "audio/audio_file.h"
#include "batches/augment.h"
#include "eval/trained_model.h"
#include "eval/window_features.h"

namespace cocola {

struct ScoreStatistics {
  double mean = 0.0;
  double spread = 0.0;  // standard deviation over windows; 0 for one window
};

struct WindowScore {
  double start_seconds = 0.0;
  // All empty where one of the files is silent (below -60 dBFS); harmonic and percussive also for
  // models without HPS features.
  std::optional<double> both, harmonic, percussive;
};

struct PairScore {
  // Over the windows that have a score; empty when none has.
  std::optional<ScoreStatistics> both, harmonic, percussive;
  int64_t num_windows = 0;         // scored
  int64_t num_silent_windows = 0;  // left out
  std::vector<WindowScore> curve;  // every window, by start
};

inline constexpr int64_t kWindowsPerCall = 16;

// The one PairScore with that curve.
PairScore summarise_curve(std::vector<WindowScore> curve);

// Scores `a` (context) against `b` (candidate) over windows of the model's length: one every hop,
// and one that ends with the shorter file; what the longer one holds beyond that is not looked at.
// Where the shorter file is shorter than a window, both are cut to it and padded with zeros.
// bilinear: h_a^T W h_b; cosine: in [-1, 1].
//
// hop: share of a window, range [0.01, 1]. windows_per_call: encoded together, 1 or more.
// Requires: both waveforms at the model's rate.
// Throws: Error when a score is not finite.
// Law:    windows_per_call and the number of threads change a score by rounding alone, below 1e-5
//         of the largest score of its windows.
PairScore score_pair(const TrainedModel& model, const Waveform& a, const Waveform& b, double hop,
                     int64_t windows_per_call = kWindowsPerCall);

// The embeddings of some windows of one recording: all that is kept of it to score it against
// others.
struct RecordingEmbeddings {
  std::vector<WindowPlace> windows;         // ascending, no two alike
  std::vector<std::optional<int64_t>> row;  // of each window; none where it is silent
  // Nothing hidden, percussive hidden, harmonic hidden. [n, D] float32; the last two are undefined
  // for models of one channel, all for n = 0.
  at::Tensor both, harmonic, percussive;
};

// The two halves of score_pair. windows: any order, may repeat.
// Law: score_embedded(embed_windows(a), embed_windows(b)) is score_pair(a, b), to rounding.
RecordingEmbeddings embed_windows(const TrainedModel& model, const Waveform& recording,
                                  std::vector<WindowPlace> windows,
                                  int64_t windows_per_call = kWindowsPerCall);
// Requires: a and b hold these windows.
PairScore score_embedded(const TrainedModel& model, const RecordingEmbeddings& a,
                         const RecordingEmbeddings& b, const std::vector<WindowPlace>& windows);

// Scores of windows from their features, with one channel hidden in both: the harmonic score hides
// the percussive channel and the other way round.
//
// Shapes: features [n, C, M, F] float32, C = 2 where a channel is hidden; result [n] float64.
// Law:    the content of the hidden channel changes nothing.
at::Tensor score_features(const LoadedModel& model, const at::Tensor& a, const at::Tensor& b,
                          ChannelMask hidden);

// The two halves of that: embeddings [n, D] of features, and scores [n] of embeddings.
at::Tensor embed_features(const LoadedModel& model, const at::Tensor& features, ChannelMask hidden);
at::Tensor score_embeddings(const LoadedModel& model, const at::Tensor& a, const at::Tensor& b);
// The same in two steps, for who scores one `a` against many `b`.
at::Tensor weighted_embeddings(const LoadedModel& model, const at::Tensor& a);
at::Tensor score_weighted(const at::Tensor& weighted, const at::Tensor& b);

// The scores a model gives: both, and with HPS features harmonic and percussive, in this order.
struct ScoreMode {
  const char* name;
  ChannelMask hidden;
};
std::vector<ScoreMode> score_modes(const LoadedModel& model);

// embed_features for many rows: in calls of kRowsPerCall rows, each on one thread, several at once.
//
// Law: the same to the bit for any number of operation threads.
inline constexpr int64_t kRowsPerCall = 16;
at::Tensor embed_in_calls(const LoadedModel& model, const at::Tensor& features, ChannelMask hidden);

// While it lives, operations called by this thread use that many threads.
class OperationThreads {
 public:
  explicit OperationThreads(int num_threads);
  ~OperationThreads();
  OperationThreads(const OperationThreads&) = delete;
  OperationThreads& operator=(const OperationThreads&) = delete;

 private:
  int before_;
};

// Calls work(thread, item) for every item of [0, count), on as many threads as operations have now,
// with one operation thread each: where operations are short, threads that share each of them spend
// their time waiting for each other. thread is below the number of threads.
//
// Throws: the first error of work, when all threads have ended.
void share_work(int64_t count, const std::function<void(int64_t thread, int64_t item)>& work);

}  // namespace cocola
