#include "eval/inspect_report.h"

#include <c10/core/ScalarType.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "config/config_file.h"
#include "eval/trained_model.h"
#include "model/safetensors.h"
#include "shards/shard_set.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

OrderedJson list_tracks(const ShardReader& shard) {
  std::vector<int64_t> num_windows(shard.tracks().size(), 0);
  for (const ShardWindow& window : shard.windows()) {
    ++num_windows[static_cast<size_t>(window.track)];
  }
  const auto rate = static_cast<double>(shard.settings().sample_rate_hz);
  OrderedJson list = OrderedJson::array();
  for (size_t t = 0; t < num_windows.size(); ++t) {
    const ShardTrack& track = shard.tracks()[t];
    list.push_back({{"name", track.name},
                    {"seconds", static_cast<double>(track.num_samples) / rate},
                    {"windows", num_windows[t]},
                    {"stems", track.stem_names}});
  }
  return list;
}

void inspect_shard(const fs::path& path, InspectReport& report) {
  report.kind = "shard";
  const ShardReader shard(path);
  int64_t num_stems = 0, num_samples = 0;
  for (const ShardTrack& track : shard.tracks()) {
    num_stems += static_cast<int64_t>(track.stem_names.size());
    num_samples += track.num_samples;
  }
  OrderedJson& facts = report.facts;
  facts["split"] = shard.split();
  facts["tracks"] = shard.tracks().size();
  facts["stems"] = num_stems;
  facts["windows"] = shard.windows().size();
  facts["seconds"] = static_cast<double>(num_samples) /
                     static_cast<double>(std::max<int64_t>(1, shard.settings().sample_rate_hz));
  facts["track_list"] = list_tracks(shard);
  facts["settings"] = settings_to_json(shard.settings());
  facts["provenance"] = shard.provenance();
  shard.verify();
}

void inspect_shard_set(const fs::path& directory, InspectReport& report) {
  report.kind = "shard set";
  const Manifest manifest = read_manifest(directory);
  std::map<std::string, int64_t> windows_of, tracks_of;
  OrderedJson shards = OrderedJson::array();
  for (const ManifestEntry& entry : manifest.shards) {
    windows_of[entry.split] += entry.num_windows;
    tracks_of[entry.split] += entry.num_tracks;
    shards.push_back({{"file", entry.file},
                      {"split", entry.split},
                      {"tracks", entry.num_tracks},
                      {"windows", entry.num_windows},
                      {"bytes", entry.num_bytes},
                      {"digest", entry.digest}});
  }
  OrderedJson& facts = report.facts;
  facts["version"] = manifest.version;
  for (const auto& [split, windows] : windows_of) {
    facts[split] = {{"tracks", tracks_of[split]}, {"windows", windows}};
  }
  facts["settings"] = settings_to_json(manifest.settings);
  facts["shards"] = std::move(shards);
  facts["config"] = manifest.config_yaml;
  for (const auto& [split, windows] : windows_of) {
    verify_shards(directory, manifest, {split}, 0, 1);
    if (windows > 0) ShardSet(directory, split, false);  // a set without windows cannot be opened
  }
}

void inspect_safetensors(const fs::path& path, InspectReport& report) {
  report.kind = "safetensors";
  const SafetensorsFile file = read_safetensors(path);
  int64_t num_values = 0;
  OrderedJson tensors = OrderedJson::array();
  for (const auto& [name, tensor] : file.tensors) {
    num_values += tensor.numel();
    const std::span<const std::byte> bytes(static_cast<const std::byte*>(tensor.const_data_ptr()),
                                           tensor.nbytes());
    tensors.push_back({{"name", name},
                       {"type", c10::toString(tensor.scalar_type())},
                       {"shape", tensor.sizes().vec()},
                       {"digest", digest_of(bytes)}});
  }
  const bool is_model = file.metadata.contains("feature_fingerprint");
  if (is_model) report.kind = "model";
  if (file.metadata.contains("adam_steps")) report.kind = "checkpoint";
  OrderedJson& facts = report.facts;
  facts["digest"] = file.metadata.contains(kSafetensorsDigestKey) ? "right" : "none";
  facts["values"] = num_values;
  facts["metadata"] = file.metadata;
  facts["tensors"] = std::move(tensors);
  if (is_model) open_model(path);  // its parts against each other
}

void inspect_config(const fs::path& path, InspectReport& report) {
  report.kind = "config";
  const RunConfig config = load_config(path, {});
  OrderedJson& facts = report.facts;
  facts["experiment"] = config.experiment;
  facts["features"] = config.features.description();
  facts["feature_fingerprint"] = config.features.fingerprint();
  facts["groups_per_step"] = config.training.groups_per_step();
  facts["config"] = print_config(config, false);
}

bool starts_with(const fs::path& path, std::string_view signature) {
  std::string start(signature.size(), '\0');
  std::ifstream(path, std::ios::binary)
      .read(start.data(), static_cast<std::streamsize>(start.size()));
  return start == signature;
}

void inspect_into(const fs::path& path, InspectReport& report) {
  if (!fs::exists(path)) fail("inspect", "no such file");
  const bool is_directory = fs::is_directory(path);
  if (!is_directory && !fs::is_regular_file(path)) fail("inspect", "not a regular file");
  const std::string extension = path.extension().string();
  if (is_directory) {
    inspect_shard_set(path, report);
  } else if (path.filename() == kManifestName) {
    inspect_shard_set(path.parent_path(), report);
  } else if (starts_with(path, "\x89HDF\r\n\x1a\n") || extension == ".h5") {
    inspect_shard(path, report);
  } else if (extension == ".safetensors") {
    inspect_safetensors(path, report);
  } else if (extension == ".yaml" || extension == ".yml") {
    inspect_config(path, report);
  } else {
    fail("inspect", "not a shard, a directory with {}, a .safetensors or a .yaml file",
         kManifestName);
  }
}

std::string scalar_text(const OrderedJson& value) {
  return printable(value.is_string()
                       ? value.get<std::string>()
                       : value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
}

// What follows a key and its colon: one line for a scalar or for an object in a list, an indented
// block for what is larger.
std::string value_text(const OrderedJson& value, int indent) {
  const std::string margin = fmt::format("\n{:{}}", "", indent);
  std::string text;
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      text += fmt::format("{}{}:{}", margin, printable(key), value_text(inner, indent + 2));
    }
  } else if (value.is_array()) {
    for (const OrderedJson& item : value) {
      text += margin;
      for (const OrderedJson& part : item) text += scalar_text(part) + "  ";
    }
  } else if (value.is_string() && value.get<std::string>().find('\n') != std::string::npos) {
    std::istringstream lines(value.get<std::string>());
    for (std::string line; std::getline(lines, line);) text += margin + printable(line);
  } else {
    text = " " + scalar_text(value);
  }
  return text;
}

}  // namespace

OrderedJson InspectReport::to_json() const {
  OrderedJson json = {{"path", path},
                      {"kind", kind},
                      {"intact", is_intact()},
                      {"problem", is_intact() ? OrderedJson(nullptr) : OrderedJson(problem)}};
  json.update(facts);
  return json;
}

std::string InspectReport::to_text() const {
  return fmt::format("{}: {}, {}{}\n", printable(path), kind,
                     is_intact() ? "intact" : "not intact: " + printable(problem),
                     value_text(facts, 2));
}

InspectReport inspect(const fs::path& path) {
  InspectReport report;
  report.path = path.string();
  try {
    inspect_into(path, report);
  } catch (const std::exception& e) {
    report.problem = e.what();
  }
  return report;
}

}  // namespace cocola
