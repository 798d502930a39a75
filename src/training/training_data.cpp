#include "training/training_data.h"

#include <algorithm>

namespace cocola {

Sampler sampler_of(const TrainingData& data, const TrainingConfig& config) {
  const Sampler sampler{data.num_train_windows, config.pairs_per_step, config.seed};
  sampler.validate();
  return sampler;
}

std::unique_ptr<BatchLoader> open_loader(const TrainingData& data, const TrainingConfig& config,
                                         const Communicator& world, int64_t first_step,
                                         int64_t end) {
  return std::make_unique<BatchLoader>(sampler_of(data, config), world.rank(), world.world_size(),
                                       first_step, end, data.shape, config.augment, config.loader,
                                       data.make_train_source);
}

double loader_seconds(const TrainingConfig& config) {
  const double timeout = config.comm.timeout_seconds;
  return std::max(timeout - 5.0, timeout / 2);
}

}  // namespace cocola
