// The settings of a front end as JSON text, so that a model file can rebuild the front end it
// needs.
#pragma once
#include <string>

#include "features/feature_config.h"

namespace cocola {

// One JSON object with every setting.
std::string feature_settings_to_json(const FeatureConfig& config);

// Throws: Error naming origin when a key is missing, unknown, of another type or out of range.
// Law:    the inverse of feature_settings_to_json.
FeatureConfig feature_settings_from_json(const std::string& text, const std::string& origin);

const char* to_string(FeatureKind kind);  // "hps" or "mel"

}  // namespace cocola
