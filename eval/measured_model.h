// A model and the songs that a command of cocola_eval measures it on.
#pragma once
#include <memory>
#include <string>

#include "config/run_config.h"
#include "eval/trained_model.h"
#include "eval/unseen_songs.h"
#include "shards/shard_set.h"

namespace cocola {

struct MeasuredModel {
  std::string path;
  TrainedModel model;
  std::unique_ptr<const ShardSet> shards;  // of evaluation.split, verified
  DataOrigin origin;
};

// path: the file of --model; empty: that of the configuration's run.
// Throws: what open_model and check_unseen throw, and Error when the model was trained on other
//         features or windows than the configuration names.
MeasuredModel open_measured_model(const RunConfig& config, const std::string& path,
                                  CalibrationUse use = CalibrationUse::read);

}  // namespace cocola
