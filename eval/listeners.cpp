#include "eval/listeners.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "base/error.h"
#include "metrics/correlation.h"

namespace cocola {
namespace {

constexpr double kLevel = 0.95;
constexpr int64_t kResamples = 2000;
constexpr uint64_t kSeed = 1;

using Names = std::vector<std::string>;

std::string joined(const Names& names) { return fmt::format("{}", fmt::join(names, " / ")); }

// The multiple of 2^exponent nearest to a value.
double nearest_multiple(double value, int exponent) {
  return std::ldexp(std::nearbyint(std::ldexp(value, -exponent)), exponent);
}

// Ranks tell apart what differs by rounding alone, such as (1 + 3 + 3) / 3 - 2 and 1 / 3. So means
// keep 44 bits, and differences between them and values as large as `largest` 40 bits of that.
constexpr int kBitsOfMeans = 44, kBitsOfDifferences = 40;

double mean_of(const std::vector<double>& values) {
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  return mean == 0.0 ? 0.0 : nearest_multiple(mean, std::ilogb(mean) - kBitsOfMeans);
}

void drop_rounding(std::vector<double>& differences, double largest) {
  if (largest == 0.0) return;
  for (double& v : differences) v = nearest_multiple(v, std::ilogb(largest) - kBitsOfDifferences);
}

double largest_of(const std::vector<double>& values) {
  double largest = 0.0;
  for (const double v : values) largest = std::max(largest, std::fabs(v));
  return largest;
}

// ---- Reading. ----

Names item_columns(const CsvTable& ratings, const CsvTable& scores) {
  Names columns;
  for (const char* name : {"item", "song", "stem", "system"}) {
    if (!ratings.has_column(name) && !scores.has_column(name)) continue;
    ratings.column(name);
    scores.column(name);
    columns.emplace_back(name);
  }
  if (columns.empty()) {
    fail("listeners",
         "{}: nothing names an item; expected any of the columns item, song, stem, system, "
         "there are: {}",
         scores.origin(), fmt::join(scores.columns(), ", "));
  }
  return columns;
}

Names names_in(const CsvTable& table, size_t row, const Names& columns) {
  Names names;
  for (const std::string& column : columns) names.push_back(table.text(row, table.column(column)));
  return names;
}

struct Ratings {
  std::vector<double> values;
  std::map<std::string, int64_t> line_of_rater;
};

std::map<Names, Ratings> ratings_by_item(const CsvTable& table, const Names& columns) {
  const size_t rating = table.column("rating");
  const bool has_raters = table.has_column("rater");
  std::map<Names, Ratings> result;
  for (size_t row = 0; row < table.num_rows(); ++row) {
    const Names names = names_in(table, row, columns);
    Ratings& own = result[names];
    own.values.push_back(table.number(row, rating));
    if (!has_raters) continue;
    const std::string& rater = table.text(row, table.column("rater"));
    const auto [first, is_new] = own.line_of_rater.emplace(rater, table.line(row));
    if (!is_new) {
      fail("listeners", "{}, lines {} and {}: rater {} rates '{}' twice", table.origin(),
           first->second, table.line(row), rater, joined(names));
    }
  }
  return result;
}

// ---- Correlating. ----

using Groups = std::vector<int64_t>;  // a number from 0 for each item

// Items with equal fields in these columns share a number; empty where a column is lacking.
std::optional<Groups> group_by(const ListeningTest& test, const std::vector<std::string>& columns) {
  std::vector<size_t> places;
  for (const std::string& column : columns) {
    const auto found = std::find(test.columns.begin(), test.columns.end(), column);
    if (found == test.columns.end()) return std::nullopt;
    places.push_back(static_cast<size_t>(found - test.columns.begin()));
  }
  std::map<Names, int64_t> numbers;
  Groups groups;
  for (const RatedItem& item : test.items) {
    Names names;
    for (const size_t place : places) names.push_back(item.names[place]);
    groups.push_back(numbers.emplace(names, static_cast<int64_t>(numbers.size())).first->second);
  }
  return groups;
}

int64_t num_groups(const Groups& groups) {
  return groups.empty() ? 0 : *std::max_element(groups.begin(), groups.end()) + 1;
}

// The items of each group.
std::vector<std::vector<size_t>> members_of(const Groups& groups) {
  std::vector<std::vector<size_t>> members(static_cast<size_t>(num_groups(groups)));
  for (size_t i = 0; i < groups.size(); ++i) members[static_cast<size_t>(groups[i])].push_back(i);
  return members;
}

struct Pairs {
  std::vector<double> ratings, scores;
  Groups clusters;  // what is drawn together: the song, else the item itself

  size_t size() const { return ratings.size(); }
  void add(double rating, double score, int64_t cluster) {
    ratings.push_back(rating);
    scores.push_back(score);
    clusters.push_back(cluster);
  }
};

using Columns = std::pair<std::vector<double>, std::vector<double>>;

// Correlates what `columns_of` makes of members with these clusters.
Correlations correlate(const std::function<Columns(std::span<const int64_t>)>& columns_of,
                       const Groups& clusters) {
  const int64_t num_clusters = std::max<int64_t>(1, num_groups(clusters));
  const auto estimate = [&](auto correlation) {
    const Statistic statistic = [&](std::span<const int64_t> members) {
      const auto [ratings, scores] = columns_of(members);
      return correlation(ratings, scores);
    };
    return bootstrap_statistic(statistic, clusters, num_clusters, kLevel, kResamples, kSeed);
  };
  std::vector<int64_t> all(clusters.size());
  std::iota(all.begin(), all.end(), 0);
  return {estimate(pearson_correlation), estimate(spearman_correlation),
          estimate(kendall_correlation), static_cast<int64_t>(columns_of(all).first.size())};
}

Correlations correlate(const Pairs& pairs) {
  return correlate(
      [&](std::span<const int64_t> members) {
        Columns columns;
        for (const int64_t member : members) {
          columns.first.push_back(pairs.ratings[static_cast<size_t>(member)]);
          columns.second.push_back(pairs.scores[static_cast<size_t>(member)]);
        }
        return columns;
      },
      pairs.clusters);
}

Pairs some_of(const Pairs& pairs, const std::vector<size_t>& members) {
  Pairs some;
  for (const size_t i : members) some.add(pairs.ratings[i], pairs.scores[i], pairs.clusters[i]);
  return some;
}

Pairs centred(const Pairs& pairs, const Groups& groups) {
  Pairs result;
  for (const std::vector<size_t>& members : members_of(groups)) {
    if (members.size() < 2) continue;
    const Pairs own = some_of(pairs, members);
    const double rating = mean_of(own.ratings), score = mean_of(own.scores);
    for (size_t i = 0; i < own.size(); ++i) {
      result.add(own.ratings[i] - rating, own.scores[i] - score, own.clusters[i]);
    }
  }
  drop_rounding(result.ratings, largest_of(pairs.ratings));
  drop_rounding(result.scores, largest_of(pairs.scores));
  return result;
}

Correlations correlate_means(const Pairs& pairs, const Groups& systems) {
  return correlate(
      [&](std::span<const int64_t> drawn) {
        std::map<int64_t, std::vector<size_t>> members;
        for (const int64_t item : drawn) {
          const auto i = static_cast<size_t>(item);
          members[systems[i]].push_back(i);
        }
        Columns columns;
        for (const auto& [system, own] : members) {
          columns.first.push_back(mean_of(some_of(pairs, own).ratings));
          columns.second.push_back(mean_of(some_of(pairs, own).scores));
        }
        return columns;
      },
      pairs.clusters);
}

}  // namespace

ListeningTest join_listening_test(const CsvTable& ratings, const CsvTable& scores,
                                  const std::string& score_column) {
  const size_t score = scores.column(score_column);
  ListeningTest test;
  test.columns = item_columns(ratings, scores);
  const std::map<Names, Ratings> rated = ratings_by_item(ratings, test.columns);
  std::map<Names, int64_t> line_of_score;
  std::set<std::string> raters;
  for (size_t row = 0; row < scores.num_rows(); ++row) {
    const Names names = names_in(scores, row, test.columns);
    const auto [first, is_new] = line_of_score.emplace(names, scores.line(row));
    if (!is_new) {
      fail("listeners", "{}, lines {} and {}: '{}' is scored twice", scores.origin(), first->second,
           scores.line(row), joined(names));
    }
    const double value = scores.number(row, score);
    const auto own = rated.find(names);
    if (own == rated.end()) {
      test.unrated.push_back(joined(names));
      continue;
    }
    test.items.push_back({names, mean_of(own->second.values), value});
    test.num_ratings += static_cast<int64_t>(own->second.values.size());
    for (const auto& [rater, line] : own->second.line_of_rater) raters.insert(rater);
  }
  for (const auto& [names, own] : rated) {
    if (!line_of_score.contains(names)) test.unscored.push_back(joined(names));
  }
  if (test.items.empty()) {
    fail("listeners", "{} and {} share no item; the first has '{}', the second '{}'",
         ratings.origin(), scores.origin(), test.unscored.empty() ? "nothing" : test.unscored[0],
         test.unrated.empty() ? "nothing" : test.unrated[0]);
  }
  if (ratings.has_column("rater")) test.num_raters = static_cast<int64_t>(raters.size());
  return test;
}

ListenerReport correlate_with_listeners(const ListeningTest& test) {
  const std::optional<Groups> songs = group_by(test, {"song"});
  const std::optional<Groups> stems = group_by(test, {"song", "stem"});
  const std::optional<Groups> systems = group_by(test, {"system"});
  Pairs pairs;
  for (size_t i = 0; i < test.items.size(); ++i) {
    pairs.add(test.items[i].rating, test.items[i].score,
              songs ? (*songs)[i] : static_cast<int64_t>(i));
  }
  ListenerReport report;
  report.num_songs = songs ? num_groups(*songs) : 0;
  report.all = correlate(pairs);
  if (songs) report.centred_by_song = correlate(centred(pairs, *songs));
  if (stems) report.centred_by_song_and_stem = correlate(centred(pairs, *stems));
  if (!systems) return report;
  report.system_means = correlate_means(pairs, *systems);
  const auto system = std::find(test.columns.begin(), test.columns.end(), "system");
  const auto place = static_cast<size_t>(system - test.columns.begin());
  for (const std::vector<size_t>& members : members_of(*systems)) {
    const Pairs own = some_of(pairs, members);
    report.systems.push_back({test.items[members[0]].names[place], mean_of(own.ratings),
                              mean_of(own.scores), correlate(own)});
  }
  return report;
}

}  // namespace cocola
