// The directory of a data set's shards: what is there already, what is left to do, and the manifest
// at the end.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "preprocess/shard_plan.h"

namespace cocola {

class ShardDirectory {
 public:
  // plan, config: as given, kept by reference. `found_bad`: tracks that could not even be planned.
  ShardDirectory(const RunConfig& config, const std::vector<PlannedShard>& plan,
                 std::vector<SkippedTrack> found_bad);

  // Compares what is there with the plan.
  // Throws: Error naming the first shard that was made from something else or is in the way, what
  //         differs, and what to do: shards of two configurations are never mixed.
  void require_consistent() const;
  // Removes what require_consistent() would refuse.
  void remove_outdated() const;
  // True when the shard is there, whole by its size, and its receipt says it is the planned one.
  // Also for a shard without usable tracks, which has a receipt only.
  bool has(const PlannedShard& shard) const;
  // Writes the manifest if every planned shard is there; leaves one alone that says the same.
  // Returns whether every shard was there. May be called by several processes at once.
  // Throws: Error when shards hold no window at all, or tracks were skipped and on_bad_track says
  //         fail.
  bool complete(Manifest& manifest) const;

 private:
  // The receipt of a shard that is there; see has().
  std::optional<ShardReceipt> receipt_of(const PlannedShard& shard) const;
  // Why the files of this name are not those of the plan; nothing if they are, or are absent.
  std::string objection_to(const PlannedShard& shard) const;
  std::vector<std::string> unplanned() const;

  const RunConfig& config_;
  const std::vector<PlannedShard>& plan_;
  std::vector<SkippedTrack> found_bad_;
  std::filesystem::path path_;
  Json settings_;
};

}  // namespace cocola
