#include "training/step_replay.h"

namespace cocola {

StepReplay::StepReplay(CocolaModel& model, FlatParameters& flat, const TrainingConfig& config,
                       Communicator& world)
    : model_(model), flat_(flat), config_(config), world_(world) {}

StepReport StepReplay::compute_gradients(const Batch& batch, StepWishes wishes) {
  const StepInputs next = step_inputs(model_, batch, config_, wishes);
  if (replay_ && inputs_.has_shapes_of(next)) {
    inputs_.copy_from(next);
  } else {
    replay_.reset();  // before the memory that it reads
    inputs_ = next.copied_to(model_.device());
    replay_ = open_replay(model_.device());
  }
  replay_->run([this] { told_ = queue_gradients(model_, flat_, inputs_, config_, world_); });
  world_.watch_queued("a recorded step");
  return read_report(told_);
}

StepReport StepReplay::train_step(Adam& adam, const Batch& batch, double learning_rate,
                                  StepWishes wishes) {
  const StepReport report = compute_gradients(batch, wishes);
  apply_update(flat_, adam, report, learning_rate);
  return report;
}

}  // namespace cocola
