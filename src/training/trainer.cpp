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
#include "training/run_lock.h"
#include "training/run_log.h"
#include "training/train_step.h"
#include "training/validation.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// The loader gives up before the other ranks do: it knows why this one is late, and needs some
// seconds to say so.
double loader_seconds(double timeout_seconds) {
  return std::max(timeout_seconds - 5.0, timeout_seconds / 2);
}

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
        loader_seconds_(loader_seconds(config.comm.timeout_seconds)),
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
  void share_position();
  std::unique_ptr<BatchLoader> open_loader(int64_t first_step, int64_t end) const;
  std::optional<StepReport> step_once(BatchLoader& loader);
  void log_step(const StepReport& report, double waited);
  bool validation_due() const;
  bool time_is_up() const {
    return config_.max_minutes > 0 && trained_seconds_ >= config_.max_minutes * 60;
  }
  bool stop_wanted();
  bool recompute_statistics();
  bool validate_windows();
  bool validate_now();
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
  const double loader_seconds_;  // longest time without a pair
  Sampler sampler_;
  FlatParameters flat_;
  Adam adam_;
  int64_t last_step_ = 0;
  int64_t step_ = 0;              // steps done
  int64_t saved_step_ = -1;       // of the newest checkpoint
  double trained_seconds_ = 0.0;  // in steps alone, over all resumptions; rank 0's counts
  bool finished_ = false;         // by an earlier run of the same command
  std::optional<RunLock> lock_;   // rank 0
  std::optional<RunLog> log_;     // rank 0
  std::optional<Progress> progress_;
  double logged_seconds_ = 0.0, logged_wait_ = 0.0;
  int64_t logged_step_ = 0;
};

// Rank 0 alone reads; the others get what it has, whether new or restored.
void Run::restore() {
  const fs::path checkpoints = directory_.path / "checkpoints";
  if (host_.is_rank_zero()) {
    fs::create_directories(checkpoints);
    lock_.emplace(directory_.path);
    sweep_stale_temporaries(directory_.path);
    sweep_stale_temporaries(checkpoints);
    const auto position = load_newest_checkpoint(checkpoints, flat_, adam_, directory_.fingerprint);
    if (position) {
      step_ = saved_step_ = position->step;
      trained_seconds_ = position->trained_seconds;
    }
    finished_ = (step_ >= last_step_ || time_is_up()) &&
                exported_step(directory_.path / "model.safetensors") == step_;
    if (!finished_) {
      write_file_atomically(directory_.path / "config.yaml", directory_.config_yaml);
      log_.emplace(directory_.path, position ? step_ : 0);
      if (position) {
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

std::unique_ptr<BatchLoader> Run::open_loader(int64_t first_step, int64_t end) const {
  return std::make_unique<BatchLoader>(sampler_, host_.rank(), host_.world_size(), first_step, end,
                                       data_.shape, config_.augment, config_.loader,
                                       data_.make_train_source);
}

// None when this process, alone in its world, was told to stop while it waited for data; ranks of a
// larger world take the step to tell each other.
std::optional<StepReport> Run::step_once(BatchLoader& loader) {
  const Clock::time_point start = Clock::now();
  const bool alone = host_.world_size() == 1;
  if (!loader.wait(loader_seconds_, [alone] { return alone && stop_requested(); })) {
    return std::nullopt;
  }
  const Batch batch = loader.next();
  const StepReport report =
      train_step(model_, flat_, adam_, batch, config_, config_.learning_rate_at(step_, last_step_),
                 {stop_requested(), host_.is_rank_zero() && time_is_up()}, device_);
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

// For the long work between steps, where no gradient carries the wish. Collective.
bool Run::stop_wanted() {
  const at::Tensor wishes = at::full({1}, int64_t{stop_requested()}, at::kLong);
  host_.all_reduce_sum(wishes);
  return wishes.item<int64_t>() > 0;
}

// False when told to stop.
bool Run::recompute_statistics() {
  if (config_.recompute_statistics == 0) return true;
  const int64_t first = std::max<int64_t>(0, step_ - config_.recompute_statistics);
  const auto loader = open_loader(first, step_);
  StatisticsRecomputation recomputation(model_, flat_, config_);
  for (int64_t i = first; i < step_; ++i) {
    if (stop_wanted()) return false;
    recomputation.add(loader->next(loader_seconds_), device_);
  }
  if (step_ > first) recomputation.finish();
  return true;
}

// False when told to stop; the running statistics are then those of the checkpoint again.
bool Run::validate_now() {
  const at::Tensor running = flat_.running().clone();
  if (recompute_statistics() && validate_windows()) return true;
  flat_.running().copy_(running);
  return false;
}

// False when told to stop.
bool Run::validate_windows() {
  const int64_t num_windows = std::min(data_.num_valid_windows, config_.validation_windows);
  if (num_windows < 2) return true;
  // A fixed shuffle, so that a block of candidates holds windows of many tracks.
  std::vector<int64_t> windows(static_cast<size_t>(num_windows));
  for (int64_t i = 0; i < num_windows; ++i) {
    windows[static_cast<size_t>(i)] =
        permuted_index(i, data_.num_valid_windows, config_.seed, kEvaluationEpoch);
  }
  const int64_t threads =
      config_.loader.num_threads > 0 ? config_.loader.num_threads : available_cores();
  PairReader reader(data_.shape, threads, data_.make_valid_source, loader_seconds_);
  const bool masked = config_.validation_masks == ValidationMasks::as_training;
  if (masked) reader.draw_masks(config_.augment, config_.seed);
  const std::string masks = describe_validation_masks(config_);
  const WindowEmbeddings embeddings = embed_windows(model_, reader, windows, config_.precision,
                                                    host_, [this] { return stop_wanted(); });
  if (!embeddings.anchors.defined()) return false;
  if (!host_.is_rank_zero()) return true;
  const ValidationReport report = validate(embeddings, model_, config_.pairs_per_step);
  log_->add("valid", step_,
            {{"loss", report.loss},
             {"accuracy", report.accuracy},
             {"k", static_cast<double>(report.num_candidates)},
             {"windows", static_cast<double>(num_windows)},
             {"mask_probability", masked ? config_.augment.mask_probability : 0.0}},
            masks);
  log_info("step {}: validation loss {:.3f}, accuracy {:.1f} % at K = {} ({} windows{})", step_,
           report.loss, 100 * report.accuracy, report.num_candidates, num_windows,
           masked ? ", " + masks : "");
  return true;
}

void Run::checkpoint() {
  if (saved_step_ == step_) return;
  saved_step_ = step_;
  if (!host_.is_rank_zero()) return;
  write_checkpoint(directory_.path / "checkpoints", flat_, adam_,
                   {step_, trained_seconds_, directory_.fingerprint}, config_.checkpoint.keep);
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
    card_.step = step_;
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
  const auto loader = open_loader(step_, last_step_);
  if (validation_due() && !validate_now()) return stop();
  while (step_ < last_step_) {
    const std::optional<StepReport> report = step_once(*loader);
    if (!report) return stop();
    log_step(*report, loader->waited_seconds());
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
  return Run(model, data, config, std::move(card), directory, host, device).run();
}

}  // namespace cocola
