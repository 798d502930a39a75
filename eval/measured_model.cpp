#include "eval/measured_model.h"

#include <filesystem>
#include <utility>

#include "base/error.h"

namespace cocola {
namespace {

void check_model(const TrainedModel& loaded, const RunConfig& config, const std::string& path) {
  if (loaded.card.feature_fingerprint != config.features.fingerprint()) {
    fail("cocola_eval",
         "{}: trained on features {} ({}), the configuration asks for {} ({}); use the config.yaml "
         "of the model's run",
         path, loaded.card.feature_fingerprint, loaded.card.feature_description,
         config.features.fingerprint(), config.features.description());
  }
  if (loaded.card.window_seconds != config.data.window.window_seconds) {
    fail("cocola_eval", "{}: trained on windows of {} s, the configuration asks for {} s", path,
         loaded.card.window_seconds, config.data.window.window_seconds);
  }
}

}  // namespace

MeasuredModel open_measured_model(const RunConfig& config, const std::string& path,
                                  CalibrationUse use) {
  MeasuredModel measured;
  measured.path =
      path.empty()
          ? (std::filesystem::path("runs") / config.experiment / "model.safetensors").string()
          : path;
  measured.model = open_model(measured.path, use);
  check_model(measured.model, config, measured.path);
  const std::string& split = config.evaluation.split;
  measured.shards = std::make_unique<const ShardSet>(config.data.shards, split, true);
  measured.origin =
      check_unseen(measured.model.card, measured.path, *measured.shards, config.data.shards, split);
  return measured;
}

}  // namespace cocola
