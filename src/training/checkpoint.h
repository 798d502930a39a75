// All that is needed to continue a run, independent of the world's size.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "training/adam.h"
#include "training/flat_parameters.h"

namespace cocola {

struct CheckpointPosition {
  int64_t step = 0;  // steps done
  double trained_seconds = 0.0;
  std::string run_fingerprint;  // digest of what must not change over a resume
};

// Writes <directory>/step_<at least 8 digits>.safetensors atomically and keeps the newest `keep`,
// this one among them. Rank 0 only.
void write_checkpoint(const std::filesystem::path& directory, const FlatParameters& flat,
                      Adam& adam, const CheckpointPosition& position, int64_t keep);

// Writes <directory>/best.safetensors, a checkpoint that is neither counted nor loaded among the
// others. Rank 0 only.
void write_best_checkpoint(const std::filesystem::path& directory, const FlatParameters& flat,
                           Adam& adam, const CheckpointPosition& position, double accuracy);

// The accuracy of the state in <directory>/best.safetensors; empty when there is none, and with a
// warning when it is damaged or of another run.
std::optional<double> best_accuracy(const std::filesystem::path& directory,
                                    const std::string& run_fingerprint);

// Loads the newest intact checkpoint into flat and adam (any device); a damaged one is reported,
// the one before it is tried, and when that is loaded the damaged file is renamed to *.damaged.
// Empty when the directory holds none. Throws: Error when the run fingerprint differs, or when
// every checkpoint is damaged.
std::optional<CheckpointPosition> load_newest_checkpoint(const std::filesystem::path& directory,
                                                         FlatParameters& flat, Adam& adam,
                                                         const std::string& run_fingerprint);

}  // namespace cocola
