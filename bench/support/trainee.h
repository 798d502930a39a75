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
    if (!kept_.features.defined()) kept_ = draw_kept_rows(*model_, batch, config_);
    return seconds_of([&] {
      const StepInputs inputs = step_inputs(*model_, batch, kept_, 1e-4, {});
      const at::Tensor told = replay_ ? replay_->queue_step(inputs)
                                      : queue_step(*model_, flat_, adam_, inputs, config_, *world_);
      kept_ = draw_kept_rows(*model_, batch, config_);  // of the next step, while this one runs
      end_step(told, adam_);
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
  KeptRows kept_;
};

}  // namespace cocola::bench
