#include "eval/card.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/digest.h"
#include "config/config_file.h"
#include "eval/calibrate.h"
#include "eval/card_sections.h"

namespace cocola {
namespace {

using Row = std::vector<std::string>;

DocumentTable facts_table(const char* name, std::vector<Row> rows) {
  return {.name = name, .columns = {"what", "value"}, .rows = std::move(rows)};
}

DocumentSection model_section(const CardFacts& facts) {
  const TrainedModel& model = facts.measured.model;
  const ModelCard& card = model.card;
  std::vector<Row> rows = {
      {"file", std::filesystem::path(facts.measured.path).filename().string()},
      {"model_digest", model.digest},
      {"network",
       fmt::format("EfficientNet, width {:g}, depth {:g}", card.model.width, card.model.depth)},
      {"embedding size", fmt::format("{}", card.model.embedding_size)},
      {"similarity", card.model.similarity == SimilarityKind::bilinear
                         ? "bilinear"
                         : fmt::format("cosine, temperature {:g}", card.model.temperature)},
      {"features", card.feature_description},
      {"feature fingerprint", card.feature_fingerprint},
      {"window, s", fmt::format("{:g}", card.window_seconds)},
      {"training step", fmt::format("{}", card.step)},
      {"program version", card.version}};
  if (card.valid_candidates > 0) {
    rows.push_back({fmt::format("validation accuracy at K = {}, %", card.valid_candidates),
                    fmt::format("{:.1f}", 100.0 * card.valid_accuracy)});
  }
  return {.name = "model",
          .title = "Model",
          .paragraphs = {},
          .tables = {facts_table("facts", std::move(rows))},
          .pictures = {},
          .points = {}};
}

std::string described(const DatasetConfig& dataset) {
  std::string text = to_string(dataset.layout);
  if (!dataset.name.empty()) text += fmt::format(" ({})", dataset.name);
  return text;
}

DocumentTable training_settings(const RunConfig& run) {
  const TrainingConfig& training = run.training;
  const char* const masks =
      training.augment.mask_views == MaskViews::same ? "one for both views" : "one for each view";
  return facts_table(
      "settings",
      {{"run", run.experiment},
       {"pairs a step", fmt::format("{}", training.pairs_per_step)},
       {"pairs that share batch statistics", fmt::format("{}", training.pairs_per_group)},
       {"loss", training.loss.directions == LossDirections::one
                    ? "anchors ask positives"
                    : "anchors ask positives, positives ask anchors"},
       {"learning rate", fmt::format("{:g}", training.full_learning_rate())},
       {"schedule", training.schedule == LearningRateSchedule::cosine ? "cosine" : "constant"},
       {"warm-up, steps", fmt::format("{}", training.warmup_steps)},
       {"noise of positives", fmt::format("{:g}", training.augment.noise_std)},
       {"channel masks",
        training.augment.mask_probability > 0.0
            ? fmt::format("probability {:.3g}, {}", training.augment.mask_probability, masks)
            : "none"},
       {"dropout", fmt::format("{:g}", run.model.dropout)},
       {"drop-connect", fmt::format("{:g}", run.model.drop_connect)},
       {"seed", fmt::format("{}", training.seed)}});
}

DocumentSection training_section(const CardFacts& facts) {
  DocumentSection section{.name = "training",
                          .title = "Training",
                          .paragraphs = {},
                          .tables = {},
                          .pictures = {},
                          .points = {}};
  const std::string& tracks = facts.measured.model.card.training_tracks;
  if (!tracks.empty()) {
    section.paragraphs.push_back(
        fmt::format("Trained on {} songs.", 1 + std::count(tracks.begin(), tracks.end(), ' ')));
  }
  if (facts.measured.origin.is_own) {
    DocumentTable table{.name = "splits", .columns = {"split", "songs", "windows"}, .rows = {}};
    for (const char* split : {"train", "valid", "test"}) {
      int64_t num_tracks = 0, num_windows = 0;
      for (const ManifestEntry& shard : facts.measured.shards->manifest().shards) {
        if (shard.split != split) continue;
        num_tracks += shard.num_tracks;
        num_windows += shard.num_windows;
      }
      table.rows.push_back({split, fmt::format("{}", num_tracks), fmt::format("{}", num_windows)});
    }
    section.tables.push_back(std::move(table));
  }
  if (!facts.training) {
    section.paragraphs.push_back("The file does not say with which settings.");
    return section;
  }
  DocumentTable data{.name = "data", .columns = {"data set", "train", "valid", "test"}, .rows = {}};
  for (const DatasetConfig& dataset : facts.training->data.datasets) {
    // Other layouts have splits of their own.
    const bool has_shares = dataset.layout == Layout::folder || dataset.layout == Layout::moisesdb;
    const auto share = [&](double part) { return has_shares ? fmt::format("{:g}", part) : "own"; };
    data.rows.push_back(
        {described(dataset), share(dataset.train), share(dataset.valid), share(dataset.test)});
  }
  section.tables.push_back(std::move(data));
  section.tables.push_back(training_settings(*facts.training));
  return section;
}

DocumentSection cost_section(const ModelCost& cost) {
  const auto milliseconds = [](double seconds) { return fmt::format("{:.2f}", 1000.0 * seconds); };
  return {.name = "cost",
          .title = "Cost",
          .paragraphs = {fmt::format("Measured on {}, {} threads; medians.", cost.processor,
                                     cost.num_threads)},
          .tables = {facts_table(
              "facts",
              {{"parameters", fmt::format("{}", cost.num_parameters)},
               {"file, MB", fmt::format("{:.2f}", static_cast<double>(cost.file_bytes) / 1e6)},
               {"features of a window, one thread, ms", milliseconds(cost.features_seconds)},
               {"embedding of a window, one thread, ms", milliseconds(cost.embedding_seconds)},
               {"both, many windows on all threads, ms a window", milliseconds(cost.busy_seconds)},
               {"peak memory of that, MB",
                fmt::format("{:.0f}", static_cast<double>(cost.peak_bytes) / 1e6)}})},
          .pictures = {},
          .points = {}};
}

}  // namespace

CardFacts measure_card(const MeasuredModel& measured, const RunConfig& config,
                       int64_t num_response_windows) {
  const TrainedModel& model = measured.model;
  CardFacts facts{.measured = measured,
                  .config = config,
                  .training = {},
                  .cost = measure_cost(model, measured.path),
                  .accuracy = measure_accuracy(*model.model, *measured.shards, config),
                  .calibration = {},
                  .response = {}};
  if (!model.card.config_yaml.empty()) {
    facts.training = parse_config(model.card.config_yaml, measured.path, {});
  }
  const std::string data =
      digest_of_file(std::filesystem::path(config.data.shards) / kManifestName);
  const std::optional<Calibration>& stored = model.calibration;
  facts.is_calibration_stored = stored && stored->data_digest == data &&
                                stored->split == config.evaluation.split &&
                                stored->seed == config.evaluation.seed;
  facts.calibration = facts.is_calibration_stored ? *stored : calibrate(measured, config);
  if (measured.shards->settings().has_stems) {
    facts.response = measure_response(model, *measured.shards, config, num_response_windows);
  }
  return facts;
}

Document card_of(const CardFacts& facts) {
  const RunConfig& shown = facts.training ? *facts.training : facts.config;
  Document card{
      .title = fmt::format("Model card: {}", shown.experiment),
      .summary = fmt::format("A model that scores how well two pieces of music sound "
                             "together, after {} steps of training; made by cocola {}.",
                             facts.measured.model.card.step, facts.measured.model.card.version),
      .sections = {model_section(facts), training_section(facts), accuracy_section(facts),
                   calibration_section(facts), response_section(facts), cost_section(facts.cost)}};
  card.sections.push_back({.name = "limits",
                           .title = "Known limits",
                           .paragraphs = {},
                           .tables = {},
                           .pictures = {},
                           .points = known_limits(facts)});
  return card;
}

}  // namespace cocola
