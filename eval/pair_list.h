// Which recordings are scored against which.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace cocola {

struct NamedPair {
  std::string a, b;    // files: a mix, and what may fit it
  std::string name;    // for people; need not be unique
  std::string system;  // what made b, for example; empty: not told
  // Columns of the table that name an item of a listening test, with their values.
  std::vector<std::pair<std::string, std::string>> labels = {};
};

struct PairList {
  std::vector<NamedPair> pairs;  // at least one
  // Files of two folders that have no partner in the other one.
  std::vector<std::string> unmatched_a, unmatched_b;
};

// The pair of two files, or those of two folders: audio files with the same path below theirs, but
// for the extension, sorted by it. Hidden files are passed over.
//
// Throws: UsageError for a file beside a folder; Error naming the folder that holds no audio, or
//         two files that differ by extension alone, and naming both folders when nothing matches.
PairList pairs_of_two(const std::string& a, const std::string& b);

// The first file with each of the others; a folder stands for the audio files below it.
//
// Throws: UsageError for fewer than two, or a folder as mix; Error for a folder without audio.
PairList pairs_of_candidates(const std::vector<std::string>& mix_and_candidates);

// Columns a and b, at will name, system, and the labels item, song and stem; others are not looked
// at. Relative paths start at the folder of the table.
//
// Throws: Error naming the table for no rows, an empty path (line named), and columns that are
//         missing (with those found); and what read_csv throws.
PairList pairs_of_csv(const std::filesystem::path& path);

}  // namespace cocola
