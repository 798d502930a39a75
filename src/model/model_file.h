// A model for use: weights and everything needed to feed it, in one safetensors file.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "model/cocola_model.h"

namespace cocola {

// What a model file says besides its weights; all of it is written to the metadata. A file may lack
// the training tracks, the validation and the calibration, as a model converted from another
// program does.
struct ModelCard {
  ModelConfig model;
  int64_t in_channels = 2;
  std::string feature_kind;         // "hps" or "mel"
  std::string feature_description;  // canonical text of the front end
  std::string feature_fingerprint;
  std::string feature_settings;  // JSON object from which the front end is rebuilt
  int64_t sample_rate_hz = 16000;
  double window_seconds = 5.0;
  double masked_db = 0.0;  // value of a hidden channel during training
  int64_t step = 0;
  // Accuracy on the validation windows among that many candidates; 0 candidates: not validated.
  double valid_accuracy = 0.0;
  int64_t valid_candidates = 0;
  std::string config_yaml;  // resolved configuration of the run
  std::string data_digest;  // of the shards' manifest
  // Hashes of the names of the tracks trained on (model/training_tracks.h); empty: not known.
  std::string training_tracks;
  // How scores of true and mismatched pairs are distributed, a JSON object of eval/calibration.h;
  // empty: not measured.
  std::string calibration;
  std::string version;
};

// card.model and card.in_channels are taken from the model itself.
// Throws: Error on a full disk and the like; nothing partial is left.
void write_model_file(const std::filesystem::path& path, const CocolaModel& model,
                      const ModelCard& card);

struct LoadedModel {
  std::unique_ptr<CocolaModel> model;  // on the CPU, float32
  ModelCard card;
  // Of all that the file says but for its calibration: the same before and after calibrating. The
  // digest of the file itself where this program wrote it and never calibrated it.
  std::string digest;
};

// Throws: Error when the file is not safetensors, its set of names or a shape differs from what the
//         card's configuration expects (first difference named), a value is not finite, or metadata
//         is missing or out of range (key named). Whether the card's front end fits the rest of the
//         card is for the caller to check: only features/ can tell.
LoadedModel read_model_file(const std::filesystem::path& path);

// Replaces ModelCard::calibration in the file; tensors and all other metadata stay as they are,
// those that this program does not know included.
//
// Throws: Error when the file is not safetensors, when its digest (as LoadedModel's) is not
//         expected_digest, and on a full disk and the like; then the file stays as it was.
void replace_calibration(const std::filesystem::path& path, const std::string& calibration,
                         const std::string& expected_digest);

}  // namespace cocola
