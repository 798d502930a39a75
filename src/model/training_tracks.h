// The tracks a model was trained on, as short hashes of their names: enough to recognise a track,
// too little to publish a private list.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace cocola {

inline constexpr size_t kTrackHashDigits = 12;

// Hashes in ascending order without repetition, separated by blanks; empty for no names.
std::string track_list(std::span<const std::string> names);

// True for what track_list can have returned.
bool is_track_list(const std::string& text);

// The names that are on the list, in their order. Two names in 2.8e14 share a hash.
// Requires: is_track_list(list).
std::vector<std::string> tracks_on_list(const std::string& list,
                                        std::span<const std::string> names);

}  // namespace cocola
