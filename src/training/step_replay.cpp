#include "training/step_replay.h"

namespace cocola {

StepReplay::StepReplay(CocolaModel& model, FlatParameters& flat, Adam& adam,
                       const TrainingConfig& config, Communicator& world)
    : model_(model), flat_(flat), adam_(adam), config_(config), world_(world) {}

StepReport StepReplay::train_step(const Batch& batch, double learning_rate, StepWishes wishes) {
  const StepInputs next = step_inputs(model_, batch, config_, learning_rate, wishes);
  if (replay_ && inputs_.has_shapes_of(next)) {
    inputs_.copy_from(next);
  } else {
    replay_.reset();  // before the memory that it reads
    inputs_ = next.copied_to(model_.device());
    replay_ = open_replay(model_.device());
  }
  replay_->run([this] { told_ = queue_step(model_, flat_, adam_, inputs_, config_, world_); });
  world_.watch_queued("a recorded step");
  return end_step(told_, adam_);
}

}  // namespace cocola
