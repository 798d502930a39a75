// How a score goes together with what listeners say.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/csv.h"
#include "metrics/confidence.h"

namespace cocola {

// What is rated and scored: one sound, named by its fields in the columns of ListeningTest.
struct RatedItem {
  std::vector<std::string> names;
  double rating = 0.0;  // mean over its ratings
  double score = 0.0;
};

struct ListeningTest {
  std::vector<std::string> columns;   // those of item, song, stem, system that both files have
  std::vector<RatedItem> items;       // rated and scored, in the order of the scores
  int64_t num_ratings = 0;            // of these items
  std::optional<int64_t> num_raters;  // of these items; empty without a column rater
  // Items of one file alone, their names joined by " / ".
  std::vector<std::string> unrated, unscored;
};

// Joins ratings (columns: rating, at will rater, and what names an item) with scores (the score
// column, and what names an item). Items are named by any of the columns item, song, stem and
// system, the same in both tables.
//
// Throws: Error for missing or differing columns, cells that are no finite numbers, an item scored
//         twice, an item rated twice by one rater, and tables that share no item.
ListeningTest join_listening_test(const CsvTable& ratings, const CsvTable& scores,
                                  const std::string& score_column);

struct Correlations {
  Estimate pearson, spearman, kendall;  // 95 % bootstrap intervals
  int64_t n = 0;                        // pairs of numbers
};

struct SystemCorrelations {
  std::string system;
  double mean_rating = 0.0, mean_score = 0.0;  // over its items
  Correlations correlations;                   // inside the system
};

struct ListenerReport {
  int64_t num_songs = 0;  // 0 without a column song
  Correlations all;
  // The mean of the items of the same song (and stem) is subtracted from ratings and from scores;
  // items that are alone in theirs are left out. Empty without these columns.
  std::optional<Correlations> centred_by_song, centred_by_song_and_stem;
  // Of the systems' means. Both are empty without a column system.
  std::optional<Correlations> system_means;
  std::vector<SystemCorrelations> systems;  // in the order of the scores
};

// Correlations over items, each with an interval that resamples whole songs with all their items;
// without a column song, items. Resamples are the same in every run.
ListenerReport correlate_with_listeners(const ListeningTest& test);

}  // namespace cocola
