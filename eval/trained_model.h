// A model file together with the front end it was trained on.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

#include "eval/calibration.h"
#include "features/feature_config.h"
#include "model/model_file.h"

namespace cocola {

struct TrainedModel : LoadedModel {
  FeatureConfig features;
  std::optional<Calibration> calibration;  // empty: cocola_eval calibrate was never asked

  int64_t window_samples() const;
};

// ignore: for who replaces it; one that cannot be read is no error then.
enum class CalibrationUse { read, ignore };

// Throws: what read_model_file throws, and Error naming file and key when the card contradicts
//         itself: a fingerprint, description, kind, rate or number of channels that is not that of
//         its feature settings, a window shorter than one Fourier transform, or a calibration that
//         is damaged or of other weights.
TrainedModel open_model(const std::filesystem::path& path,
                        CalibrationUse use = CalibrationUse::read);

}  // namespace cocola
