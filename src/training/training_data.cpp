#include "training/training_data.h"

#include <algorithm>
#include <utility>

namespace cocola {

Sampler sampler_of(const TrainingData& data, const TrainingConfig& config) {
  const Sampler sampler{data.num_train_windows, config.pairs_per_step, config.seed};
  sampler.validate();
  return sampler;
}

DeviceFeed open_feed(const TrainingData& data, const TrainingConfig& config,
                     const Communicator& world, int64_t first_step, int64_t end,
                     at::Device device) {
  const HostMemory memory = device.is_cuda() ? HostMemory::pinned : HostMemory::ordinary;
  FeedConfig feed{.device = device, .augment = config.augment, .seed = config.seed};
  const int64_t num_pairs = config.pairs_per_step / world.world_size();
  feed.ahead = config.pairs_in_memory(num_pairs) == num_pairs;
  std::function<std::unique_ptr<BatchMaker>()> make_maker;
  if (data.make_train_stems) {
    feed.features = data.features;
    make_maker = [open = data.make_train_stems, memory] { return make_stem_maker(open(), memory); };
  } else {
    make_maker = [open = data.make_train_source, shape = data.shape, augment = config.augment,
                  seed = config.seed,
                  memory] { return make_feature_maker(open(), shape, augment, seed, memory); };
  }
  return DeviceFeed(
      std::make_unique<BatchLoader>(sampler_of(data, config), world.rank(), world.world_size(),
                                    first_step, end, config.loader, std::move(make_maker)),
      feed);
}

double loader_seconds(const TrainingConfig& config) {
  const double timeout = config.comm.timeout_seconds;
  return std::max(timeout - 5.0, timeout / 2);
}

}  // namespace cocola
