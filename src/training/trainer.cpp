#include "training/trainer.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/progress.h"
#include "training/checkpoint.h"
#include "training/run_lock.h"
#include "training/run_log.h"
#include "training/run_validation.h"
#include "training/skipped_step.h"
#include "training/step_replay.h"
#include "training/train_step.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// The step of an exported model; -1 where there is none that can be used.
int64_t exported_step(const fs::path& path) {
  if (!fs::exists(path)) return -1;
  try {
    return read_model_file(path).card.step;
  } catch (const Error& e) {
    log_warning("{}; the model is written anew", e.what());
    return -1;
  }
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One run on one rank. The loop is in run(); each method is one thing that happens around a step.
class Run {
 public:
  Run(CocolaModel& model, const TrainingData& data, const TrainingConfig& config, ModelCard card,
      const RunDirectory& directory, Communicator& host, Communicator& device)
      : model_(model),
        data_(data),
        config_(config),
        card_(std::move(card)),
        directory_(directory),
        host_(host),
        device_(device),
        checkpoints_(directory.path / "checkpoints"),
        sampler_(sampler_of(data, config)),
        flat_(model.state()),
        adam_(flat_.values()) {
    last_step_ = sampler_.steps_per_epoch() * config_.epochs;
    if (config_.cuda_graph) replay_.emplace(model_, flat_, adam_, config_, device_);
    if (config_.max_steps > 0) last_step_ = std::min(last_step_, config_.max_steps);
  }

  TrainingEnd run();
  const std::string& phase() const { return phase_; }

 private:
  void restore();
  void share_position();
  // A clock's time is left out where nothing depends on it: runs then leave the same bytes.
  CheckpointPosition position() const {
    const double seconds = config_.max_minutes > 0 ? trained_seconds_ : 0.0;
    return {step_, seconds, directory_.fingerprint};
  }
  std::optional<StepReport> step_once(DeviceFeed& feed);
  void log_step(const StepReport& report, double waited);
  bool validation_due() const;
  bool time_is_up() const {
    return config_.max_minutes > 0 && trained_seconds_ >= config_.max_minutes * 60;
  }
  void account_for_skipped(const StepReport& report, const Batch& batch);
  bool validate_now();
  void keep(const ValidationReport& report);
  void checkpoint();
  TrainingEnd stop();
  TrainingEnd finish();

  CocolaModel& model_;
  const TrainingData& data_;
  const TrainingConfig& config_;
  ModelCard card_;
  const RunDirectory directory_;
  Communicator& host_;
  Communicator& device_;
  const fs::path checkpoints_;
  std::string phase_ = "while opening the run";  // for messages
  Sampler sampler_;
  FlatParameters flat_;
  Adam adam_;
  std::optional<StepReplay> replay_;
  std::optional<KeptRows> next_kept_;  // of the batch that the feed has begun with
  int64_t last_step_ = 0;
  int64_t step_ = 0;                     // steps done
  int64_t saved_step_ = -1;              // of the newest checkpoint
  double trained_seconds_ = 0.0;         // in steps alone, over all resumptions; rank 0's counts
  std::optional<double> best_accuracy_;  // of a validation; rank 0
  bool finished_ = false;                // by an earlier run of the same command
  std::optional<RunLock> lock_;          // rank 0
  std::optional<RunLog> log_;            // rank 0
  std::optional<Progress> progress_;
  double logged_seconds_ = 0.0, logged_wait_ = 0.0;
  int64_t logged_step_ = 0;
};

// Rank 0 alone reads; the others get what it has, whether new or restored.
void Run::restore() {
  if (host_.is_rank_zero()) {
    fs::create_directories(checkpoints_);
    lock_.emplace(directory_.path);
    sweep_stale_temporaries(directory_.path);
    sweep_stale_temporaries(checkpoints_);
    const auto position =
        load_newest_checkpoint(checkpoints_, flat_, adam_, directory_.fingerprint);
    if (position) {
      step_ = saved_step_ = position->step;
      trained_seconds_ = position->trained_seconds;
    }
    finished_ = (step_ >= last_step_ || time_is_up()) &&
                exported_step(directory_.path / "model.safetensors") == step_;
    if (!finished_) {
      write_file_atomically(directory_.path / "config.yaml", directory_.config_yaml);
      log_.emplace(directory_.path, position ? step_ : 0);
      if (num_validation_windows(data_, config_) < 2) {
        log_info("no validation windows: there will be no best.safetensors");
      }
      if (position) {
        best_accuracy_ = best_accuracy(checkpoints_, directory_.fingerprint);
        log_->add("event", step_, {}, "resumed");
        log_info("continuing after step {}", step_);
      }
    }
  }
  share_position();
  logged_step_ = step_;
  logged_seconds_ = trained_seconds_;
}

void Run::share_position() {
  for (const at::Tensor& tensor :
       {flat_.values(), flat_.running(), adam_.first_moment(), adam_.second_moment()}) {
    device_.broadcast(tensor);
  }
  const at::Tensor counts =
      at::tensor({step_, saved_step_, adam_.num_steps(), int64_t{finished_}}, at::kLong);
  const at::Tensor seconds = at::full({1}, trained_seconds_, at::kDouble);
  host_.broadcast(counts);
  host_.broadcast(seconds);
  step_ = counts[0].item<int64_t>();
  saved_step_ = counts[1].item<int64_t>();
  adam_.set_num_steps(counts[2].item<int64_t>());
  finished_ = counts[3].item<int64_t>() != 0;
  trained_seconds_ = seconds.item<double>();
}

// None when this process, alone in its world, was told to stop while it waited for data; ranks of a
// larger world take the step to tell each other.
std::optional<StepReport> Run::step_once(DeviceFeed& feed) {
  phase_ = fmt::format("in step {}", step_ + 1);
  const Clock::time_point start = Clock::now();
  const bool alone = host_.world_size() == 1;
  if (!feed.wait(loader_seconds(config_), [alone] { return alone && stop_requested(); })) {
    return std::nullopt;
  }
  const Batch batch = feed.next();
  const KeptRows kept =
      next_kept_ ? *std::exchange(next_kept_, {}) : draw_kept_rows(model_, batch, config_);
  const double rate = config_.learning_rate_at(step_, last_step_);
  const StepWishes wishes{stop_requested(), host_.is_rank_zero() && time_is_up()};
  const StepInputs inputs = step_inputs(model_, batch, kept, rate, wishes);
  const at::Tensor told = replay_ ? replay_->queue_step(inputs)
                                  : queue_step(model_, flat_, adam_, inputs, config_, device_);
  // A GPU is now busy with this step for as long as the host prepares the next.
  if (const Batch* const next = feed.begin_next()) {
    next_kept_ = draw_kept_rows(model_, *next, config_);
  }
  const StepReport report = end_step(told, adam_);
  ++step_;
  trained_seconds_ += seconds_since(start);
  if (!report.finite) account_for_skipped(report, batch);
  return report;
}

void Run::log_step(const StepReport& report, double waited) {
  if (!host_.is_rank_zero()) return;
  const double seconds = std::max(trained_seconds_ - logged_seconds_, 1e-9);
  const double rate =
      static_cast<double>((step_ - logged_step_) * config_.pairs_per_step) / seconds;
  progress_->update(step_, fmt::format("loss {:.3f}, accuracy {:.3f}, {:.1f} pairs/s", report.loss,
                                       report.accuracy, rate));
  if (step_ % config_.log_every_steps != 0) return;
  log_->add("train", step_,
            {{"loss", report.loss},
             {"accuracy", report.accuracy},
             {"epoch", static_cast<double>(sampler_.epoch_of(step_ - 1))},
             {"learning_rate", config_.learning_rate_at(step_ - 1, last_step_)},
             {"gradient_norm", report.gradient_norm},
             {"mean_similarity", report.mean_similarity},
             {"max_similarity", report.max_similarity},
             {"softmax_entropy", report.softmax_entropy},
             {"pairs_per_second", rate},
             {"data_wait_seconds", waited - logged_wait_}});
  logged_step_ = step_;
  logged_seconds_ = trained_seconds_;
  logged_wait_ = waited;
}

bool Run::validation_due() const {
  const int64_t every =
      config_.validate_every_steps > 0 ? config_.validate_every_steps : sampler_.steps_per_epoch();
  return step_ > 0 && step_ % every == 0 && step_ < last_step_;
}

// All ranks know that the step just done was skipped. Adam counts the others, so that the number
// of skipped ones survives a resumption.
void Run::account_for_skipped(const StepReport& report, const Batch& batch) {
  const std::string what = describe_skipped_step(step_, report, batch, host_);
  const int64_t skipped = step_ - adam_.num_steps();
  if (skipped > config_.max_skipped_steps) {
    fail("training",
         "{}. Lower training.learning_rate, look for broken stems, or raise "
         "training.max_skipped_steps ({})",
         what, config_.max_skipped_steps);
  }
  if (!host_.is_rank_zero()) return;
  log_->add("event", step_, {{"skipped_steps", static_cast<double>(skipped)}}, what);
  log_warning("{}; {} of at most {} steps skipped", what, skipped, config_.max_skipped_steps);
}

// False when told to stop.
bool Run::validate_now() {
  phase_ = fmt::format("in the validation after step {}", step_);
  const ValidationOutcome outcome =
      validate_run(model_, flat_, step_, data_, config_, host_, device_);
  if (outcome.stopped) return false;
  card_.step = step_;
  card_.valid_accuracy = 0.0;
  card_.valid_candidates = 0;
  if (outcome.report) keep(*outcome.report);
  return true;
}

// Rank 0.
void Run::keep(const ValidationReport& report) {
  const std::string masks = describe_validation_masks(config_);
  log_->add("valid", step_,
            {{"loss", report.loss},
             {"accuracy", report.accuracy},
             {"k", static_cast<double>(report.num_candidates)},
             {"windows", static_cast<double>(report.num_windows)},
             {"mask_probability", masks.empty() ? 0.0 : config_.augment.mask_probability}},
            masks);
  log_info("step {}: validation loss {:.3f}, accuracy {:.1f} % at K = {} ({} windows{})", step_,
           report.loss, 100 * report.accuracy, report.num_candidates, report.num_windows,
           masks.empty() ? "" : ", " + masks);
  if (!std::isfinite(report.loss)) return;  // similarities that are not finite have no order
  card_.valid_accuracy = report.accuracy;
  card_.valid_candidates = report.num_candidates;
  if (best_accuracy_ && report.accuracy <= *best_accuracy_) return;
  best_accuracy_ = report.accuracy;
  // The checkpoint is the record: a run that is killed before it is there makes both again.
  write_model_file(directory_.path / "best.safetensors", model_, card_);
  write_best_checkpoint(checkpoints_, flat_, adam_, position(), report.accuracy);
}

void Run::checkpoint() {
  if (saved_step_ == step_) return;
  saved_step_ = step_;
  phase_ = fmt::format("in the checkpoint after step {}", step_);
  if (!host_.is_rank_zero()) return;
  write_checkpoint(checkpoints_, flat_, adam_, position(), config_.checkpoint.keep);
}

TrainingEnd Run::stop() {
  checkpoint();
  progress_->finish();
  log_info("stopped on request after step {}; run the same command to continue", step_);
  host_.barrier();
  return TrainingEnd::stopped;
}

TrainingEnd Run::finish() {
  progress_->finish();
  checkpoint();
  if (!validate_now()) return stop();
  if (host_.is_rank_zero()) {
    const fs::path path = directory_.path / "model.safetensors";
    write_model_file(path, model_, card_);
    log_info("model written to {}", path.string());
  }
  host_.barrier();
  return TrainingEnd::finished;
}

TrainingEnd Run::run() {
  restore();
  if (finished_) {
    log_info("{}: finished already after {} steps; choose another experiment name to train anew",
             directory_.path.string(), step_);
    return TrainingEnd::finished;
  }
  progress_.emplace("training", "steps", last_step_, host_.is_rank_zero());
  if (time_is_up()) return finish();
  DeviceFeed feed = open_feed(data_, config_, host_, step_, last_step_, model_.device());
  if (validation_due() && !validate_now()) return stop();
  while (step_ < last_step_) {
    const std::optional<StepReport> report = step_once(feed);
    if (!report) return stop();
    log_step(*report, feed.waited_seconds());
    if (report->stop) return stop();
    if (report->time_up) {
      log_info("training.max_minutes reached after step {}", step_);
      break;
    }
    if (step_ % config_.checkpoint.every_steps == 0) checkpoint();
    if (validation_due() && !validate_now()) return stop();
  }
  return finish();
}

}  // namespace

TrainingEnd train(CocolaModel& model, const TrainingData& data, const TrainingConfig& config,
                  ModelCard card, const RunDirectory& directory, Communicator& host,
                  Communicator& device) {
  Run run(model, data, config, std::move(card), directory, host, device);
  try {
    return run.run();
  } catch (const UsageError&) {
    throw;
  } catch (const Error& e) {
    throw Error(e.where(), fmt::format("{} ({})", e.message(), run.phase()));
  }
}

}  // namespace cocola
