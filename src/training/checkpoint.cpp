#include "training/checkpoint.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "model/safetensors.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "cocola-checkpoint-1";
constexpr const char* kBestName = "best.safetensors";

struct StoredCheckpoint {
  int64_t step = 0;
  fs::path path;
};

// The step in the name of a checkpoint; none for temporaries and strangers.
std::optional<int64_t> step_in(std::string_view name) {
  constexpr std::string_view kBefore = "step_", kAfter = ".safetensors";
  if (!name.starts_with(kBefore) || !name.ends_with(kAfter)) return std::nullopt;
  const char* const first = name.data() + kBefore.size();
  const char* const last = name.data() + name.size() - kAfter.size();
  int64_t step = 0;
  const auto [end, problem] = std::from_chars(first, last, step);
  return problem == std::errc() && end == last ? std::optional(step) : std::nullopt;
}

// Ascending by step.
std::vector<StoredCheckpoint> list_checkpoints(const fs::path& directory) {
  std::vector<StoredCheckpoint> found;
  if (!fs::is_directory(directory)) return found;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const auto step = step_in(entry.path().filename().string());
    if (step) found.push_back({*step, entry.path()});
  }
  std::ranges::sort(found, {}, &StoredCheckpoint::step);
  return found;
}

// Damaged files keep their content under another name: the run continues below their steps, and
// they must not count as its newest.
void set_aside(const std::vector<fs::path>& damaged) {
  for (const fs::path& path : damaged) {
    fs::path aside = path;
    aside += ".damaged";
    fs::rename(path, aside);
    log_warning("{}: renamed to {}", path.string(), aside.filename().string());
  }
}

struct Buffer {
  const char* name;
  at::Tensor tensor;
};

std::vector<Buffer> buffers_of(const FlatParameters& flat, Adam& adam) {
  return {{"parameters", flat.values()},
          {"first_moment", adam.first_moment()},
          {"second_moment", adam.second_moment()},
          {"running_statistics", flat.running()}};
}

int64_t integer_of(const SafetensorsFile& file, const std::string& key, const fs::path& path) {
  const auto found = file.metadata.find(key);
  int64_t value = -1;
  try {
    if (found != file.metadata.end()) value = std::stoll(found->second);
  } catch (const std::exception&) {
    value = -1;
  }
  if (value < 0)
    fail("checkpoint", "{}: metadata key {} is missing or not a count", path.string(), key);
  return value;
}

// Everything is checked before the first tensor is touched, so a refused file leaves the run as it
// was.
CheckpointPosition load(const fs::path& path, FlatParameters& flat, Adam& adam,
                        const std::string& run_fingerprint) {
  const SafetensorsFile file = read_safetensors(path);
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end() || format->second != kFormat) {
    fail("checkpoint", "{}: not a checkpoint of this version (format {} expected)", path.string(),
         kFormat);
  }
  CheckpointPosition position;
  position.step = integer_of(file, "step", path);
  position.trained_seconds =
      static_cast<double>(integer_of(file, "trained_milliseconds", path)) / 1e3;
  position.run_fingerprint = file.metadata.contains("run") ? file.metadata.at("run") : "";
  if (position.run_fingerprint != run_fingerprint) {
    throw UsageError(
        "checkpoint",
        fmt::format("{}: written by a run with other settings or data (fingerprint {}, now {}); "
                    "continue with the config.yaml of that run, or choose another experiment name",
                    path.string(), position.run_fingerprint, run_fingerprint));
  }
  for (const Buffer& buffer : buffers_of(flat, adam)) {
    const at::Tensor& stored = file.get(buffer.name);
    if (stored.sizes() != buffer.tensor.sizes() ||
        stored.scalar_type() != buffer.tensor.scalar_type()) {
      fail("checkpoint", "{}: {} has {} values, this model has {}", path.string(), buffer.name,
           stored.numel(), buffer.tensor.numel());
    }
  }
  const at::NoGradGuard no_grad;
  for (Buffer& buffer : buffers_of(flat, adam)) buffer.tensor.copy_(file.get(buffer.name));
  adam.set_num_steps(integer_of(file, "adam_steps", path));
  return position;
}

// `more` joins the metadata.
void write_state(const fs::path& path, const FlatParameters& flat, Adam& adam,
                 const CheckpointPosition& position, std::map<std::string, std::string> more = {}) {
  fs::create_directories(path.parent_path());
  SafetensorsFile file;
  for (const Buffer& buffer : buffers_of(flat, adam)) {
    file.tensors.emplace_back(buffer.name, buffer.tensor.detach().cpu());
  }
  file.metadata = {{"format", kFormat},
                   {"step", std::to_string(position.step)},
                   {"adam_steps", std::to_string(adam.num_steps())},
                   {"trained_milliseconds",
                    std::to_string(static_cast<int64_t>(position.trained_seconds * 1e3))},
                   {"run", position.run_fingerprint}};
  file.metadata.merge(more);
  write_safetensors(path, file);
}

}  // namespace

void write_checkpoint(const fs::path& directory, const FlatParameters& flat, Adam& adam,
                      const CheckpointPosition& position, int64_t keep) {
  write_state(directory / fmt::format("step_{:08}.safetensors", position.step), flat, adam,
              position);
  const std::vector<StoredCheckpoint> all = list_checkpoints(directory);
  for (size_t i = 0; i + static_cast<size_t>(keep) < all.size(); ++i) {
    if (all[i].step < position.step) fs::remove(all[i].path);
  }
}

void write_best_checkpoint(const fs::path& directory, const FlatParameters& flat, Adam& adam,
                           const CheckpointPosition& position, double accuracy) {
  write_state(directory / kBestName, flat, adam, position,
              {{"valid_accuracy", fmt::format("{}", accuracy)}});  // shortest that reads back
}

std::optional<double> best_accuracy(const fs::path& directory, const std::string& run_fingerprint) {
  const fs::path path = directory / kBestName;
  if (!fs::exists(path)) return std::nullopt;
  try {
    const auto metadata = read_safetensors(path).metadata;
    const std::string text =
        metadata.contains("valid_accuracy") ? metadata.at("valid_accuracy") : "";
    double accuracy = -1.0;
    std::from_chars(text.data(), text.data() + text.size(), accuracy);
    const bool of_this_run = metadata.contains("run") && metadata.at("run") == run_fingerprint;
    if (of_this_run && accuracy >= 0.0 && accuracy <= 1.0) return accuracy;
    log_warning("{}: not of this run; the next validation replaces it", path.string());
  } catch (const Error& e) {
    log_warning("{}; the next validation replaces it", e.what());
  }
  return std::nullopt;
}

std::optional<CheckpointPosition> load_newest_checkpoint(const fs::path& directory,
                                                         FlatParameters& flat, Adam& adam,
                                                         const std::string& run_fingerprint) {
  const std::vector<StoredCheckpoint> all = list_checkpoints(directory);
  if (all.empty()) return std::nullopt;
  std::vector<fs::path> damaged;
  for (auto stored = all.rbegin(); stored != all.rend(); ++stored) {
    try {
      const CheckpointPosition position = load(stored->path, flat, adam, run_fingerprint);
      set_aside(damaged);
      return position;
    } catch (const UsageError&) {
      throw;
    } catch (const Error& e) {
      log_warning("{}; trying the checkpoint before it", e.what());
      damaged.push_back(stored->path);
    }
  }
  fail("checkpoint", "{}: all {} checkpoints are damaged; remove them to start anew",
       directory.string(), all.size());
}

}  // namespace cocola
