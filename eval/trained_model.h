// A model file together with the front end it was trained on.
#pragma once
#include <cstdint>
#include <filesystem>

#include "features/feature_config.h"
#include "model/model_file.h"

namespace cocola {

struct TrainedModel : LoadedModel {
  FeatureConfig features;

  int64_t window_samples() const;
};

// Throws: what read_model_file throws, and Error naming file and key when the card contradicts
//         itself: a fingerprint, description, kind, rate or number of channels that is not that of
//         its feature settings, or a window shorter than one Fourier transform.
TrainedModel open_model(const std::filesystem::path& path);

}  // namespace cocola
