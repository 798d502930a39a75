// What a model costs to use on this machine.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "eval/trained_model.h"

namespace cocola {

struct ModelCost {
  int64_t num_parameters = 0;
  int64_t file_bytes = 0;
  std::string processor;  // "unknown" where the system does not say
  int64_t num_threads = 0;
  // Medians, of one window at a time on one thread: from samples to features, from features to an
  // embedding.
  double features_seconds = 0.0, embedding_seconds = 0.0;
  // For a window among kRowsPerCall at a time on each of num_threads threads, both together.
  double busy_seconds = 0.0;
  int64_t peak_bytes = 0;  // resident, of this process until then
};

// Takes a second or some. Call before other work, so that the peak is that of using the model.
ModelCost measure_cost(const TrainedModel& model, const std::filesystem::path& path);

}  // namespace cocola
