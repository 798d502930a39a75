// One source of tracks: where a data set lies, how it is laid out, and what it is used for.
#pragma once
#include <string>

namespace cocola {

enum class Layout { folder, musdb18hq, moisesdb, slakh2100, cocochorales };
// What counts as a stem in MoisesDB: each instrument group, its sources summed, or each source.
enum class StemLevel { per_stem, per_source };
// Tracks whose stems differ in length: the layout's habit, or one of UnequalLengths.
enum class LengthRule { layout, refuse, cut, pad };
// The split into which tracks are put: the one they come with, or one for all.
enum class IntoSplit { same, train, valid, test };

// Kinds of tracks of CocoChorales, by the instruments that play them.
struct Ensembles {
  bool brass = true, string = true, woodwind = true, random = true;

  bool operator==(const Ensembles&) const = default;
};

struct DatasetConfig {
  Layout layout = Layout::folder;
  std::string root;  // relative paths start at the working directory
  // Put before the name of each track, as in "musdb18hq/Artist - Title". Empty: the name of the
  // layout, and nothing for folder. At most 100 letters, digits, '.', '_' and '-'.
  std::string name;
  // Shares of tracks where the layout has no splits of its own; sum to 1.
  double train = 0.8, valid = 0.1, test = 0.1;
  StemLevel stems = StemLevel::per_stem;
  LengthRule lengths = LengthRule::layout;
  // Which of the data set's own splits are used, and as what. MUSDB18-HQ held out for testing, all
  // of it: take [train, valid, test], into test.
  bool take_train = true, take_valid = true, take_test = true;
  IntoSplit into = IntoSplit::same;
  Ensembles ensembles;  // those used; for cocochorales only

  // key: "data.datasets.0". Throws: UsageError naming key, value and range.
  void validate(const std::string& key) const;
  bool operator==(const DatasetConfig&) const = default;
};

// "musdb18hq"
const char* to_string(Layout layout);

}  // namespace cocola
