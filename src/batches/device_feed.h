// The batches of a loader as a step wants them: features, on the model's device where they fit.
#pragma once
#include <c10/core/Device.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <functional>
#include <memory>
#include <optional>

#include "batches/batch_loader.h"
#include "features/batch_front_end.h"

namespace cocola {

struct FeedConfig {
  at::Device device = at::kCPU;
  // Set where the loader delivers stems: they are mixed on `device`, with noise, and their features
  // are made there.
  std::optional<FeatureConfig> features = {};
  // Noise and channel masks of those features; `seed` is the sampler's.
  AugmentConfig augment = {};
  uint64_t seed = 0;
  // Whether whole batches lie on the device, one in use and one ahead. Otherwise features of the
  // loader stay where it left them, for a step that moves them in pieces, and features made on the
  // device lie there for one step.
  bool ahead = true;
};

// On a GPU that has room for two batches, copy, mixing, front end and masks run on a stream of
// their own. No GPU has run this yet.
//
// Random: noise and masks are those that sources and makers of features draw.
// Law:    batches on the CPU have the same bits whether the loader or the feed made the features.
class DeviceFeed {
 public:
  DeviceFeed(std::unique_ptr<BatchLoader> loader, const FeedConfig& config);

  // As BatchLoader's.
  bool wait(double timeout_seconds, const std::function<bool()>& interrupted);
  // The next batch, waited for; for use on the current stream.
  Batch next(double timeout_seconds = BatchLoader::kPairSeconds);
  // Begins with the batch that next() will return, if the loader has it and config.ahead allows
  // one: best when work on the current stream has just been queued. What it returns, or null, is
  // not for use: its features may not be there yet.
  const Batch* begin_next();
  double waited_seconds() const { return loader_->waited_seconds(); }

  // Pairs of one view whose stems and waveforms lie on the device at once.
  static constexpr int64_t kPairsPerPiece = 256;

 private:
  Batch prepared(Batch batch);
  void make_features(Batch& batch);
  void hide_channels(Batch& batch) const;
  void stage(Batch batch);

  std::unique_ptr<BatchLoader> loader_;
  FeedConfig config_;
  std::optional<BatchFrontEnd> front_end_;
  std::optional<c10::Stream> stream_;  // of the GPU, when batches are prepared ahead
  std::optional<Batch> staged_;        // queued on stream_, if there is one
  std::optional<c10::Event> ready_;    // of staged_, if so
};

}  // namespace cocola
