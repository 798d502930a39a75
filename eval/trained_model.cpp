#include "eval/trained_model.h"

#include "base/error.h"
#include "features/feature_settings.h"
#include "stems/window.h"

namespace cocola {
namespace {

void check_front_end(const TrainedModel& model, const std::string& where) {
  const ModelCard& card = model.card;
  const FeatureConfig& features = model.features;
  const auto compare = [&](const char* key, const auto& found, const auto& expected) {
    if (found == expected) return;
    fail(where,
         "the metadata '{}' is {}, its feature_settings give {}; the file was edited or is of "
         "another version: export the model again",
         key, found, expected);
  };
  compare("feature_fingerprint", card.feature_fingerprint, features.fingerprint());
  compare("feature_description", card.feature_description, features.description());
  compare("feature_kind", card.feature_kind, std::string(to_string(features.kind)));
  compare("sample_rate_hz", card.sample_rate_hz, features.sample_rate_hz);
  compare("in_channels", card.in_channels, features.channels());
  if (model.window_samples() < features.fft_size) {
    fail(where,
         "the metadata 'window_seconds' is {}: {} samples, fewer than the {} of one Fourier "
         "transform",
         card.window_seconds, model.window_samples(), features.fft_size);
  }
}

Calibration read_calibration(const TrainedModel& model, const std::string& where) {
  const std::string origin = where + ": the metadata 'calibration'";
  const Calibration calibration = calibration_from_json(model.card.calibration, origin);
  if (calibration.model_digest != model.digest) {
    fail(origin, "'model_digest' is {}, this model's is {}: run cocola_eval calibrate again",
         calibration.model_digest, model.digest);
  }
  if (calibration.harmonic.has_value() != (model.card.in_channels == 2)) {
    fail(origin, "'harmonic' does not fit a model of {} channels", model.card.in_channels);
  }
  return calibration;
}

}  // namespace

int64_t TrainedModel::window_samples() const {
  return WindowConfig{.window_seconds = card.window_seconds}.window_samples(card.sample_rate_hz);
}

TrainedModel open_model(const std::filesystem::path& path, CalibrationUse use) {
  TrainedModel model{read_model_file(path), {}, {}};
  model.features = feature_settings_from_json(model.card.feature_settings, path.string());
  check_front_end(model, path.string());
  if (use == CalibrationUse::read && !model.card.calibration.empty()) {
    model.calibration = read_calibration(model, path.string());
  }
  return model;
}

}  // namespace cocola
