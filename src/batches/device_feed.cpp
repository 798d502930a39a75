#include "batches/device_feed.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "batches/mixing.h"

namespace cocola {

DeviceFeed::DeviceFeed(std::unique_ptr<BatchLoader> loader, const FeedConfig& config)
    : loader_(std::move(loader)), config_(config) {
  if (config.features) front_end_.emplace(*config.features);
  if (config.ahead && !config.device.is_cpu()) {
    const c10::impl::VirtualGuardImpl devices(config.device.type());
    stream_ = devices.getStreamFromGlobalPool(config.device, /*isHighPriority=*/false);
  }
}

bool DeviceFeed::wait(double timeout_seconds, const std::function<bool()>& interrupted) {
  return staged_ || loader_->wait(timeout_seconds, interrupted);
}

// Hides what BatchLoader would have hidden.
void DeviceFeed::hide_channels(Batch& batch) const {
  if (config_.features->channels() != 2) return;
  const auto n = static_cast<int64_t>(batch.window_ids.size());
  const auto options = at::TensorOptions(at::kBool).pinned_memory(!config_.device.is_cpu());
  const at::Tensor hidden = at::empty({2, n, 2, 1, 1}, options);  // view, pair, channel
  bool* const flags = hidden.data_ptr<bool>();
  for (int64_t i = 0; i < n; ++i) {
    const std::array<ChannelMask, 2> masks = draw_channel_masks(
        config_.augment, config_.seed, batch.epoch, batch.window_ids[static_cast<size_t>(i)]);
    for (int64_t view = 0; view < 2; ++view) {
      bool* const pair = flags + 2 * (view * n + i);
      pair[0] = masks[static_cast<size_t>(view)] == ChannelMask::harmonic;
      pair[1] = masks[static_cast<size_t>(view)] == ChannelMask::percussive;
    }
  }
  const at::Tensor there = hidden.to(config_.device, /*non_blocking=*/true);
  batch.anchors.masked_fill_(there[0], kMaskedDb);
  batch.positives.masked_fill_(there[1], kMaskedDb);
}

// In pieces, so that a batch of any size leaves the device room for its features.
void DeviceFeed::make_features(Batch& batch) {
  const PackedStems stems = *std::exchange(batch.stems, std::nullopt);
  const PositiveNoise noise{config_.augment.noise_std, config_.seed, batch.epoch};
  const auto num_pairs = static_cast<int64_t>(batch.window_ids.size());
  const FeatureShape shape = config_.features->shape(stems.rows.size(1));
  for (at::Tensor* const views : {&batch.anchors, &batch.positives}) {
    *views = at::empty({num_pairs, shape.channels, shape.mel_bins, shape.frames},
                       at::TensorOptions(at::kFloat).device(config_.device));
  }
  for (int64_t first = 0; first < num_pairs; first += kPairsPerPiece) {
    const int64_t count = std::min(kPairsPerPiece, num_pairs - first);
    const auto fill = [&](const at::Tensor& views, const at::Tensor& waveforms) {
      views.narrow(0, first, count).copy_(front_end_->extract(waveforms));
    };
    fill(batch.anchors, mix_anchors(stems, first, count, config_.device));
    fill(batch.positives, mix_positives(stems, first, count, noise, config_.device));
  }
}

// Queued on the current stream.
Batch DeviceFeed::prepared(Batch batch) {
  if (front_end_) {
    make_features(batch);
    hide_channels(batch);
    return batch;
  }
  if (!stream_) return batch;
  for (at::Tensor* const views : {&batch.anchors, &batch.positives}) {
    *views = views->to(config_.device, /*non_blocking=*/true);
  }
  return batch;
}

void DeviceFeed::stage(Batch batch) {
  if (!stream_) {
    staged_ = prepared(std::move(batch));
    return;
  }
  const c10::StreamGuard on(*stream_);
  staged_ = prepared(std::move(batch));
  ready_.emplace(stream_->device_type());
  ready_->record(*stream_);
}

const Batch* DeviceFeed::begin_next() {
  if (!staged_ && config_.ahead) {
    if (std::optional<Batch> batch = loader_->next_if_complete()) stage(*std::move(batch));
  }
  return staged_ ? &*staged_ : nullptr;
}

Batch DeviceFeed::next(double timeout_seconds) {
  if (!staged_) stage(loader_->next(timeout_seconds));
  Batch batch = *std::exchange(staged_, std::nullopt);
  if (!stream_) return batch;
  const c10::impl::VirtualGuardImpl devices(config_.device.type());
  const c10::Stream current = devices.getStream(config_.device);
  ready_->block(current);
  // Their memory is not taken again before the current stream is done with them.
  batch.anchors.record_stream(current);
  batch.positives.record_stream(current);
  return batch;
}

}  // namespace cocola
