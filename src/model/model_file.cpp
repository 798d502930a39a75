#include "model/model_file.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>
#include <type_traits>

#include "base/error.h"
#include "model/safetensors.h"
#include "model/training_tracks.h"

namespace cocola {
namespace {

using Metadata = std::map<std::string, std::string>;

constexpr const char* kTracksKey = "training_tracks";
constexpr const char* kAccuracyKey = "valid_accuracy";
constexpr const char* kCandidatesKey = "valid_candidates";
constexpr const char* kCalibrationKey = "calibration";
constexpr std::array<std::string_view, 4> kOptionalKeys = {kTracksKey, kAccuracyKey, kCandidatesKey,
                                                           kCalibrationKey};
constexpr const char* kFormatKey = "format";
constexpr const char* kFormat = "pt";  // what other safetensors readers expect of PyTorch names

// The metadata in one list: calls visit(key, field) for every field of a card.
template <typename Card, typename Visit>
void visit_fields(Card& card, const Visit& visit) {
  visit("similarity", card.model.similarity);
  visit("similarity_init", card.model.similarity_init);
  visit("temperature", card.model.temperature);
  visit("embedding_size", card.model.embedding_size);
  visit("width", card.model.width);
  visit("depth", card.model.depth);
  visit("dropout", card.model.dropout);
  visit("drop_connect", card.model.drop_connect);
  visit("in_channels", card.in_channels);
  visit("feature_kind", card.feature_kind);
  visit("feature_description", card.feature_description);
  visit("feature_fingerprint", card.feature_fingerprint);
  visit("feature_settings", card.feature_settings);
  visit("sample_rate_hz", card.sample_rate_hz);
  visit("window_seconds", card.window_seconds);
  visit("masked_db", card.masked_db);
  visit("step", card.step);
  visit(kAccuracyKey, card.valid_accuracy);
  visit(kCandidatesKey, card.valid_candidates);
  visit("config_yaml", card.config_yaml);
  visit("data_digest", card.data_digest);
  visit(kTracksKey, card.training_tracks);
  visit(kCalibrationKey, card.calibration);
  visit("version", card.version);
}

std::string to_text(const std::string& value) { return value; }
std::string to_text(int64_t value) { return fmt::format("{}", value); }
std::string to_text(double value) { return fmt::format("{}", value); }  // shortest that reads back
std::string to_text(SimilarityKind value) {
  return value == SimilarityKind::bilinear ? "bilinear" : "cosine";
}
std::string to_text(SimilarityInit value) {
  return value == SimilarityInit::normal ? "normal" : "identity";
}

bool from_text(const std::string& text, std::string& value) {
  value = text;
  return true;
}

template <typename Number>
requires std::is_arithmetic_v<Number>
bool from_text(const std::string& text, Number& value) {
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && stop == end && std::isfinite(static_cast<double>(value));
}

template <typename Choice>
requires std::is_enum_v<Choice>
bool from_text(const std::string& text, Choice& value) {
  for (const Choice candidate : {static_cast<Choice>(0), static_cast<Choice>(1)}) {
    if (text == to_text(candidate)) {
      value = candidate;
      return true;
    }
  }
  return false;
}

void check_ranges(const ModelCard& card, const std::string& where) {
  const auto check = [&](const char* key, auto value, auto lowest, auto highest) {
    if (value >= lowest && value <= highest) return;
    fail(where, "the metadata '{}' is {}; allowed range [{}, {}]", key, value, lowest, highest);
  };
  constexpr double kLargest = std::numeric_limits<float>::max();
  check("in_channels", card.in_channels, int64_t{1}, int64_t{2});
  check("sample_rate_hz", card.sample_rate_hz, int64_t{1000}, int64_t{96'000});
  check("window_seconds", card.window_seconds, 0.5, 60.0);
  check("masked_db", card.masked_db, -kLargest, kLargest);
  check("step", card.step, int64_t{0}, std::numeric_limits<int64_t>::max());
  check(kAccuracyKey, card.valid_accuracy, 0.0, 1.0);
  check(kCandidatesKey, card.valid_candidates, int64_t{0}, int64_t{65'536});
  if (!is_track_list(card.training_tracks)) {
    fail(where, "the metadata '{}' is not an ascending list of {}-digit hashes", kTracksKey,
         kTrackHashDigits);
  }
}

ModelCard parse_card(const Metadata& metadata, const std::string& where) {
  ModelCard card;
  visit_fields(card, [&](const char* key, auto& field) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) {
      if (std::ranges::find(kOptionalKeys, key) != kOptionalKeys.end()) return;
      fail(where, "the metadata lacks '{}': not a model file of this program", key);
    }
    if (!from_text(found->second, field)) {
      fail(where, "the metadata '{}' holds '{}', which is not a value for it", key, found->second);
    }
  });
  if (card.feature_fingerprint.empty()) {
    fail(where, "the metadata 'feature_fingerprint' is empty: its features cannot be matched");
  }
  check_ranges(card, where);
  try {
    card.model.validate();
  } catch (const UsageError& problem) {
    fail(where, "its configuration is impossible: {}", problem.what());
  }
  return card;
}

// Throws at the first difference between what the file holds and what its configuration expects.
void check_listing(const SafetensorsFile& file, const ModelState& state, const std::string& where) {
  for (const StateEntry& entry : state.entries()) {
    if (!file.has(entry.name)) fail(where, "the tensor '{}' is missing", entry.name);
    const at::Tensor& found = file.get(entry.name);
    if (found.sizes() != entry.tensor.sizes() ||
        found.scalar_type() != entry.tensor.scalar_type()) {
      fail(where, "the tensor '{}' is {} {}; its configuration expects {} {}", entry.name,
           c10::toString(found.scalar_type()), c10::str(found.sizes()),
           c10::toString(entry.tensor.scalar_type()), c10::str(entry.tensor.sizes()));
    }
    if (!at::isfinite(found).all().item<bool>()) {
      fail(where, "the tensor '{}' holds a value that is not finite", entry.name);
    }
  }
  for (const auto& [name, tensor] : file.tensors) {
    const bool known = std::ranges::any_of(
        state.entries(), [&](const StateEntry& entry) { return entry.name == name; });
    if (!known) fail(where, "the tensor '{}' is not part of its configuration's network", name);
  }
}

std::string digest_without_calibration(SafetensorsFile file) {
  file.metadata.erase(kCalibrationKey);
  return digest_as_written(file);
}

}  // namespace

void write_model_file(const std::filesystem::path& path, const CocolaModel& model,
                      const ModelCard& card) {
  ModelCard written = card;
  written.model = model.config();
  written.in_channels = model.in_channels();
  SafetensorsFile file;
  file.metadata[kFormatKey] = kFormat;
  visit_fields(written,
               [&](const char* key, const auto& field) { file.metadata[key] = to_text(field); });
  if (card.calibration.empty()) file.metadata.erase(kCalibrationKey);
  for (const StateEntry& entry : model.state().entries()) {
    const bool counter = entry.role == StateRole::counter;
    file.tensors.emplace_back(entry.name, counter ? entry.tensor : entry.tensor.to(at::kFloat));
  }
  write_safetensors(path, file);
}

LoadedModel read_model_file(const std::filesystem::path& path) {
  const std::string where = path.string();
  const SafetensorsFile file = read_safetensors(path);
  LoadedModel loaded;
  loaded.card = parse_card(file.metadata, where);
  loaded.model = std::make_unique<CocolaModel>(loaded.card.model, loaded.card.in_channels, 0);
  check_listing(file, loaded.model->state(), where);
  const at::NoGradGuard no_grad;
  for (const StateEntry& entry : loaded.model->state().entries()) {
    entry.tensor.copy_(file.get(entry.name));
  }
  loaded.digest = digest_without_calibration(file);
  return loaded;
}

void replace_calibration(const std::filesystem::path& path, const std::string& calibration,
                         const std::string& expected_digest) {
  SafetensorsFile file = read_safetensors(path);
  if (digest_without_calibration(file) != expected_digest) {
    fail(path.string(), "the file was replaced by another model meanwhile; calibrate that one");
  }
  file.metadata[kCalibrationKey] = calibration;
  write_safetensors(path, file);
}

}  // namespace cocola
