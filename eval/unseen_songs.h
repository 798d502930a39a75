// Whether songs a model is measured on were kept from its training.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "model/model_file.h"
#include "shards/shard_set.h"

namespace cocola {

struct DataOrigin {
  bool is_own = false;             // the data set the model was trained on
  std::optional<bool> trained_on;  // these very songs; empty when the model does not list its own
};

// The training split of the model's own data set may be measured, as what it is. Any other split
// that shares tracks with the training, by name, is refused.
//
// Throws: Error naming the model, the shards and some of those tracks.
DataOrigin check_unseen(const ModelCard& card, const std::string& model_path,
                        const ShardSet& shards, const std::filesystem::path& directory,
                        const std::string& split);

// One sentence for people.
std::string describe(const DataOrigin& origin);

}  // namespace cocola
