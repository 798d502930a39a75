// A model on a device with what trains it, to time steps without a run around them.
#pragma once
#include <ATen/ops/randn.h>

#include <memory>
#include <optional>

#include "comm/communicator.h"
#include "support/report.h"
#include "training/step_replay.h"

namespace cocola::bench {

inline Batch random_batch(int64_t num_pairs, const FeatureShape& shape,
                          at::Device device = at::kCPU) {
  Batch batch;
  for (int64_t i = 0; i < num_pairs; ++i) batch.window_ids.push_back(i);
  for (at::Tensor* views : {&batch.anchors, &batch.positives}) {
    *views = at::randn({num_pairs, shape.channels, shape.mel_bins, shape.frames})
                 .mul_(10)
                 .sub_(40)
                 .to(device);
  }
  return batch;
}

class Trainee {
 public:
  Trainee(const ModelConfig& model, const TrainingConfig& config, at::Device device = at::kCPU)
      : config_(config),
        model_(on(device, std::make_unique<CocolaModel>(model, 2, 1))),
        flat_(model_->state()),
        adam_(flat_.values()) {
    if (config.cuda_graph) replay_.emplace(*model_, flat_, adam_, config_, *world_);
  }

  double seconds_of_step(const Batch& batch) {
    return seconds_of([&] {
      if (replay_) {
        replay_->train_step(batch, 1e-4, {});
      } else {
        train_step(*model_, flat_, adam_, batch, config_, 1e-4, {}, *world_);
      }
    });
  }

 private:
  static std::unique_ptr<CocolaModel> on(at::Device device, std::unique_ptr<CocolaModel> model) {
    model->to(device);
    return model;
  }

  TrainingConfig config_;
  std::unique_ptr<CocolaModel> model_;
  FlatParameters flat_;
  Adam adam_;
  std::unique_ptr<Communicator> world_ = open_solo_world();
  std::optional<StepReplay> replay_;
};

}  // namespace cocola::bench
