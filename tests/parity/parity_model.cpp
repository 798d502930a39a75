// Our side of the comparison with the published model.
//   parity_model write MODEL hps|mel SALT        a model file with the reference arrays' weights
//   parity_model embed MODEL FEATURES OUT        FEATURES holds `features`, OUT gets `embedding`
#include <ATen/core/grad_mode.h>

#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "features/feature_settings.h"
#include "model/golden_weights.h"
#include "model/model_file.h"
#include "model/safetensors.h"

namespace cocola {
namespace {

void write_model(const std::string& path, const std::string& kind, uint64_t salt) {
  FeatureConfig features;
  features.kind = kind == "hps" ? FeatureKind::hps : FeatureKind::mel;
  CocolaModel model(ModelConfig{}, features.channels(), 1);
  testing::fill_with_golden_weights(model, salt);
  ModelCard card;
  card.feature_kind = to_string(features.kind);
  card.feature_description = features.description();
  card.feature_fingerprint = features.fingerprint();
  card.feature_settings = feature_settings_to_json(features);
  card.step = 4321;
  write_model_file(path, model, card);
}

void embed(const std::string& model, const std::string& features, const std::string& out) {
  const at::NoGradGuard no_grad;
  const LoadedModel loaded = read_model_file(model);
  SafetensorsFile result;
  result.tensors.emplace_back(
      "embedding", loaded.model->embed(read_safetensors(features).get("features"), EncoderCall{}));
  write_safetensors(out, result);
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() != 4) cocola::fail("parity_model", "four arguments are needed");
    if (arguments[0] == "write") {
      cocola::write_model(arguments[1], arguments[2], std::stoull(arguments[3]));
    } else {
      cocola::embed(arguments[1], arguments[2], arguments[3]);
    }
    return 0;
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
}
