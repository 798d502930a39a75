#include "eval/unseen_songs.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "model/training_tracks.h"

namespace cocola {
namespace {

constexpr size_t kMostNamed = 3;

std::vector<std::string> track_names(const ShardSet& shards) {
  std::vector<std::string> names;
  for (int64_t t = 0; t < shards.num_tracks(); ++t) names.push_back(shards.track_name(t));
  return names;
}

}  // namespace

DataOrigin check_unseen(const ModelCard& card, const std::string& model_path,
                        const ShardSet& shards, const std::filesystem::path& directory,
                        const std::string& split) {
  DataOrigin origin;
  origin.is_own = card.data_digest == digest_of_file(directory / kManifestName);
  if (origin.is_own && split == "train") {
    origin.trained_on = true;
    return origin;
  }
  if (card.training_tracks.empty()) return origin;
  std::vector<std::string> seen = tracks_on_list(card.training_tracks, track_names(shards));
  if (!seen.empty()) {
    const size_t count = seen.size();
    seen.resize(std::min(count, kMostNamed));
    fail("cocola_eval",
         "{}: trained on {} of the {} tracks of split {} in {}: {}{}; choose a split it has not "
         "seen. If they only share a name, give their data set another data.datasets name and "
         "rebuild the shards",
         model_path, count, shards.num_tracks(), split, directory.string(),
         printable(fmt::format("{}", fmt::join(seen, ", "))), count > seen.size() ? ", ..." : "");
  }
  origin.trained_on = false;
  return origin;
}

std::string describe(const DataOrigin& origin) {
  const char* const data =
      origin.is_own ? "The model's own data set" : "Another data set than the model's";
  if (!origin.trained_on) {
    return fmt::format("{}; the model file does not list the songs it was trained on.", data);
  }
  return fmt::format("{}; {}.", data,
                     *origin.trained_on ? "the model was TRAINED ON THESE SONGS"
                                        : "it was not trained on any of these songs");
}

}  // namespace cocola
