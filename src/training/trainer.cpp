#include "training/trainer.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/progress.h"
#include "training/checkpoint.h"
#include "training/run_log.h"
#include "training/train_step.h"
#include "training/validation.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One run on one rank. The loop is in run(); each method is one thing that happens around a step.
class Run {
 public:
  Run(CocolaModel& model, const TrainingData& data, const TrainingConfig& config, ModelCard card,
      const fs::path& directory, const std::string& fingerprint, Communicator& host,
      Communicator& device)
      : model_(model),
        data_(data),
        config_(config),
        card_(std::move(card)),
        directory_(directory),
        fingerprint_(fingerprint),
        host_(host),
        device_(device),
        sampler_{data.num_train_windows, config.pairs_per_step, config.seed},
        flat_(model.state()),
        adam_(flat_.values()) {
    sampler_.validate();
    last_step_ = sampler_.steps_per_epoch() * config_.epochs;
    if (config_.max_steps > 0) last_step_ = std::min(last_step_, config_.max_steps);
  }

  TrainingEnd run();

 private:
  void restore();
  std::unique_ptr<BatchLoader> open_loader(int64_t first_step, int64_t end) const;
  StepReport step_once(BatchLoader& loader);
  void log_step(const StepReport& report, double waited);
  bool validation_due() const;
  bool time_is_up() const {
    return config_.max_minutes > 0 && trained_seconds_ >= config_.max_minutes * 60;
  }
  void recompute_statistics();
  void validate_now();
  void checkpoint();
  void export_model();

  CocolaModel& model_;
  const TrainingData& data_;
  const TrainingConfig& config_;
  ModelCard card_;
  const fs::path directory_;
  const std::string fingerprint_;
  Communicator& host_;
  Communicator& device_;
  Sampler sampler_;
  FlatParameters flat_;
  Adam adam_;
  int64_t last_step_ = 0;
  int64_t step_ = 0;              // steps done
  double trained_seconds_ = 0.0;  // in steps alone, over all resumptions; rank 0's counts
  bool finished_ = false;         // by an earlier run of the same command
  std::optional<RunLog> log_;     // rank 0
  std::optional<Progress> progress_;
  double logged_seconds_ = 0.0, logged_wait_ = 0.0;
  int64_t logged_step_ = 0;
};

void Run::restore() {
  if (host_.is_rank_zero()) {
    fs::create_directories(directory_ / "checkpoints");
    sweep_stale_temporaries(directory_);
    sweep_stale_temporaries(directory_ / "checkpoints");
    const auto position =
        load_newest_checkpoint(directory_ / "checkpoints", flat_, adam_, fingerprint_);
    if (position) {
      step_ = position->step;
      trained_seconds_ = position->trained_seconds;
      log_info("continuing after step {}", step_);
    }
    log_.emplace(directory_, step_);
    if (position) log_->add("event", step_, {}, "resumed");
  }
  // Rank 0 alone reads; the others get what it has, whether new or restored.
  for (const at::Tensor& tensor :
       {flat_.values(), flat_.running(), adam_.first_moment(), adam_.second_moment()}) {
    device_.broadcast(tensor);
  }
  finished_ = (step_ >= last_step_ || time_is_up()) && fs::exists(directory_ / "model.safetensors");
  const at::Tensor position = at::tensor({step_, adam_.num_steps(), int64_t{finished_}}, at::kLong);
  host_.broadcast(position);
  step_ = position[0].item<int64_t>();
  adam_.set_num_steps(position[1].item<int64_t>());
  finished_ = position[2].item<int64_t>() != 0;
  logged_step_ = step_;
  logged_seconds_ = trained_seconds_;
}

std::unique_ptr<BatchLoader> Run::open_loader(int64_t first_step, int64_t end) const {
  return std::make_unique<BatchLoader>(sampler_, host_.rank(), host_.world_size(), first_step, end,
                                       data_.shape, config_.augment, config_.loader,
                                       data_.make_train_source);
}

StepReport Run::step_once(BatchLoader& loader) {
  const Clock::time_point start = Clock::now();
  const Batch batch = loader.next();
  const StepReport report =
      train_step(model_, flat_, adam_, batch, config_, config_.learning_rate_at(step_, last_step_),
                 {stop_requested(), time_is_up()}, device_);
  ++step_;
  trained_seconds_ += seconds_since(start);
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
             {"max_similarity", report.max_similarity},
             {"pairs_per_second", rate},
             {"data_wait_seconds", waited - logged_wait_}});
  logged_step_ = step_;
  logged_seconds_ = trained_seconds_;
  logged_wait_ = waited;
}

bool Run::validation_due() const {
  const int64_t every =
      config_.validate_every_steps > 0 ? config_.validate_every_steps : sampler_.steps_per_epoch();
  return step_ % every == 0 && step_ < last_step_;
}

void Run::recompute_statistics() {
  if (config_.recompute_statistics == 0) return;
  const int64_t first = std::max<int64_t>(0, step_ - config_.recompute_statistics);
  const auto loader = open_loader(first, step_);
  StatisticsRecomputation recomputation(model_, flat_, config_);
  for (int64_t i = first; i < step_; ++i) recomputation.add(loader->next(), device_);
  if (step_ > first) recomputation.finish();
}

void Run::validate_now() {
  recompute_statistics();
  const int64_t num_windows = std::min(data_.num_valid_windows, config_.validation_windows);
  if (num_windows < 2) return;
  // A fixed shuffle, so that a block of candidates holds windows of many tracks.
  std::vector<int64_t> windows(static_cast<size_t>(num_windows));
  for (int64_t i = 0; i < num_windows; ++i) {
    windows[static_cast<size_t>(i)] =
        permuted_index(i, data_.num_valid_windows, config_.seed, kEvaluationEpoch);
  }
  const int64_t threads =
      config_.loader.num_threads > 0 ? config_.loader.num_threads : available_cores();
  PairReader reader(data_.shape, threads, data_.make_valid_source);
  const WindowEmbeddings embeddings =
      embed_windows(model_, reader, windows, config_.precision, host_);
  if (!host_.is_rank_zero()) return;
  const ValidationReport report = validate(embeddings, model_, config_.pairs_per_step);
  log_->add("valid", step_,
            {{"loss", report.loss},
             {"accuracy", report.accuracy},
             {"k", static_cast<double>(report.num_candidates)},
             {"windows", static_cast<double>(num_windows)}});
  log_info("step {}: validation loss {:.3f}, accuracy {:.1f} % at K = {} ({} windows)", step_,
           report.loss, 100 * report.accuracy, report.num_candidates, num_windows);
}

void Run::checkpoint() {
  if (!host_.is_rank_zero()) return;
  write_checkpoint(directory_ / "checkpoints", flat_, adam_,
                   {step_, trained_seconds_, fingerprint_}, config_.checkpoint.keep);
}

void Run::export_model() {
  if (!host_.is_rank_zero()) return;
  card_.step = step_;
  write_model_file(directory_ / "model.safetensors", model_, card_);
  log_info("model written to {}", (directory_ / "model.safetensors").string());
}

TrainingEnd Run::run() {
  restore();
  if (finished_) {
    log_info("{}: finished already after {} steps; choose another experiment name to train anew",
             directory_.string(), step_);
    return TrainingEnd::finished;
  }
  progress_.emplace("training", "steps", last_step_, host_.is_rank_zero());
  const auto loader = open_loader(step_, last_step_);
  while (step_ < last_step_) {
    const StepReport report = step_once(*loader);
    log_step(report, loader->waited_seconds());
    if (report.stop) {
      checkpoint();
      progress_->finish();
      log_info("stopped on request after step {}; run the same command to continue", step_);
      host_.barrier();
      return TrainingEnd::stopped;
    }
    if (report.time_up) {
      log_info("training.max_minutes reached after step {}", step_);
      break;
    }
    if (validation_due()) validate_now();
    if (step_ % config_.checkpoint.every_steps == 0 && step_ < last_step_) checkpoint();
  }
  progress_->finish();
  validate_now();
  checkpoint();
  export_model();
  host_.barrier();
  return TrainingEnd::finished;
}

}  // namespace

TrainingEnd train(CocolaModel& model, const TrainingData& data, const TrainingConfig& config,
                  ModelCard card, const fs::path& directory, const std::string& run_fingerprint,
                  Communicator& host, Communicator& device) {
  return Run(model, data, config, std::move(card), directory, run_fingerprint, host, device).run();
}

}  // namespace cocola
