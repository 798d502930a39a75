#include "training/training_data.h"

#include <algorithm>

namespace cocola {

Sampler sampler_of(const TrainingData& data, const TrainingConfig& config) {
  const Sampler sampler{data.num_train_windows, config.pairs_per_step, config.seed};
  sampler.validate();
  return sampler;
}

DeviceFeed open_feed(const TrainingData& data, const TrainingConfig& config,
                     const Communicator& world, int64_t first_step, int64_t end,
                     at::Device device) {
  BatchRoom room(data.shape);
  room.num_samples = data.waveform_samples;
  room.pinned = device.is_cuda();
  FeedConfig feed{.device = device, .augment = config.augment, .seed = config.seed};
  if (data.waveform_samples > 0) feed.features = data.features;
  const int64_t num_pairs = config.pairs_per_step / world.world_size();
  feed.ahead = config.pairs_in_memory(num_pairs) == num_pairs;
  return DeviceFeed(std::make_unique<BatchLoader>(
                        sampler_of(data, config), world.rank(), world.world_size(), first_step, end,
                        room, config.augment, config.loader, data.make_train_source),
                    feed);
}

double loader_seconds(const TrainingConfig& config) {
  const double timeout = config.comm.timeout_seconds;
  return std::max(timeout - 5.0, timeout / 2);
}

}  // namespace cocola
